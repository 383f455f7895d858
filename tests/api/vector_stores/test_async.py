"""All operations of vector stores through the asynchronous client, in memory and in a database."""

from __future__ import annotations

import asyncio

import pytest

from .conftest import BANANA, PARIS


@pytest.mark.parametrize("address", ["memory", "sqlite:///{folder}/state.db"])
def test_all_operations(address, serve, tmp_path, async_client):
    mock = serve({"store": address.format(folder=tmp_path), "responses": []})

    async def run():
        async with async_client(mock) as sdk:
            stores, files, batches = sdk.vector_stores, sdk.vector_stores.files, sdk.vector_stores.file_batches
            one = (await sdk.files.create(file=("paris.txt", PARIS), purpose="assistants")).id
            other = (await sdk.files.create(file=("banana.txt", BANANA), purpose="assistants")).id
            store = await stores.create(name="facts", file_ids=[one])
            assert (await stores.retrieve(store.id)).file_counts.completed == 1
            assert (await stores.update(store.id, name="more")).name == "more"
            assert [each.id async for each in stores.list()] == [store.id]
            await files.create(store.id, file_id=other)
            assert (await files.retrieve(other, vector_store_id=store.id)).status == "completed"
            assert (await files.update(other, vector_store_id=store.id, attributes={"a": 1})).attributes == {"a": 1}
            assert [each.id async for each in files.list(store.id, order="asc")] == [one, other]
            assert [each.text async for each in files.content(one, vector_store_id=store.id)] == [PARIS.decode()]
            found = [each.filename async for each in stores.search(store.id, query="capital", max_num_results=1)]
            assert found == ["paris.txt"]
            assert (await files.delete(other, vector_store_id=store.id)).deleted
            batch = await batches.create(store.id, file_ids=[other])
            assert (await batches.cancel(batch.id, vector_store_id=store.id)).status == "cancelled"
            batch = await batches.create_and_poll(store.id, file_ids=[other])
            assert await batches.retrieve(batch.id, vector_store_id=store.id) == batch
            assert [each.id async for each in batches.list_files(batch.id, vector_store_id=store.id)] == [other]
            assert (await stores.delete(store.id)).deleted

    asyncio.run(run())

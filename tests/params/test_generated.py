"""The generated tables: the script gives them again, they compile, and they have all parameters of the SDK."""

import importlib
import json
import os
import subprocess
import sys
import typing
from pathlib import Path

import pytest
from openai.types import (
    batch_create_params,
    batch_list_params,
    file_create_params,
    file_list_params,
    image_create_variation_params,
    image_edit_params,
    image_generate_params,
    upload_complete_params,
    upload_create_params,
    vector_store_create_params,
    vector_store_list_params,
    vector_store_search_params,
    vector_store_update_params,
)
from openai.types.audio import (
    speech_create_params,
    transcription_create_params,
    translation_create_params,
    voice_consent_create_params,
    voice_consent_list_params,
    voice_consent_update_params,
    voice_create_params,
)
from openai.types.uploads import part_create_params
from openai.types.vector_stores import (
    file_batch_create_params,
    file_batch_list_files_params,
    file_update_params,
)
from openai.types.vector_stores import (
    file_create_params as store_file_create_params,
)
from openai.types.vector_stores import (
    file_list_params as store_file_list_params,
)

from openaimock.errors import APIError
from openaimock.params.shapes import Object
from openaimock.params.table import Table

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "params"
GENERATED = ROOT / "openaimock" / "params" / "generated"
GROUPS = sorted(path.stem for path in GENERATED.glob("[a-z]*.py"))
#: The description of the API: a JSON file that OPENAI_DESCRIPTION names, or one beside the checkout.
DESCRIPTION = Path(os.environ.get("OPENAI_DESCRIPTION") or ROOT.parent / "shared" / "openapi.json")

SDK = {
    ("files", "CREATE"): [file_create_params.FileCreateParams],
    ("files", "LIST"): [file_list_params.FileListParams],
    ("uploads", "CREATE"): [upload_create_params.UploadCreateParams],
    ("uploads", "PARTS_CREATE"): [part_create_params.PartCreateParams],
    ("uploads", "COMPLETE"): [upload_complete_params.UploadCompleteParams],
    ("batches", "CREATE"): [batch_create_params.BatchCreateParams],
    ("batches", "LIST"): [batch_list_params.BatchListParams],
    ("images", "GENERATE"): typing.get_args(image_generate_params.ImageGenerateParams),
    ("images", "EDIT"): typing.get_args(image_edit_params.ImageEditParams),
    ("images", "CREATE_VARIATION"): [image_create_variation_params.ImageCreateVariationParams],
    ("audio", "SPEECH_CREATE"): [speech_create_params.SpeechCreateParams],
    ("audio", "TRANSCRIPTIONS_CREATE"): typing.get_args(transcription_create_params.TranscriptionCreateParams),
    ("audio", "TRANSLATIONS_CREATE"): [translation_create_params.TranslationCreateParams],
    ("audio", "VOICE_CONSENTS_CREATE"): [voice_consent_create_params.VoiceConsentCreateParams],
    ("audio", "VOICE_CONSENTS_LIST"): [voice_consent_list_params.VoiceConsentListParams],
    ("audio", "VOICE_CONSENTS_UPDATE"): [voice_consent_update_params.VoiceConsentUpdateParams],
    ("audio", "VOICES_CREATE"): typing.get_args(voice_create_params.VoiceCreateParams),
    ("vector_stores", "CREATE"): [vector_store_create_params.VectorStoreCreateParams],
    ("vector_stores", "LIST"): [vector_store_list_params.VectorStoreListParams],
    ("vector_stores", "UPDATE"): [vector_store_update_params.VectorStoreUpdateParams],
    ("vector_stores", "SEARCH"): [vector_store_search_params.VectorStoreSearchParams],
    ("vector_stores", "FILES_CREATE"): [store_file_create_params.FileCreateParams],
    ("vector_stores", "FILES_LIST"): [store_file_list_params.FileListParams],
    ("vector_stores", "FILES_UPDATE"): [file_update_params.FileUpdateParams],
    ("vector_stores", "FILE_BATCHES_CREATE"): [file_batch_create_params.FileBatchCreateParams],
    ("vector_stores", "FILE_BATCHES_LIST_FILES"): [file_batch_list_files_params.FileBatchListFilesParams],
}
#: Parameters of the SDK's types that stand in the path.
IN_PATH = {"vector_store_id"}


def shapes(group):
    """The generated shapes of a group by their names."""
    module = importlib.import_module(f"openaimock.params.generated.{group}")
    return {name: value for name, value in vars(module).items() if isinstance(value, Object)}


def tables(group):
    module = importlib.import_module(f"openaimock.params.{group}")
    return {name: value for name, value in vars(module).items() if isinstance(value, Table)}


def refusal(table, body):
    try:
        table.check(body)
    except APIError as error:
        return error
    return None


def run(*arguments):
    return subprocess.run([sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, timeout=60)


@pytest.mark.skipif(not DESCRIPTION.exists(), reason="the API's description is not there; name it in OPENAI_DESCRIPTION")
def test_the_description_gives_the_same_files_again():
    result = run(DESCRIPTION, "--check")
    assert result.returncode == 0, result.stderr


def test_a_check_names_the_files_that_differ(tmp_path):
    description = tmp_path / "api.json"
    content = {"application/json": {"schema": {"type": "object", "properties": {"part_ids": {"type": "string"}}}}}
    path = {"post": {"requestBody": {"content": content}}}
    description.write_text(json.dumps({"paths": {"/uploads/{upload_id}/complete": path}}))
    result = run(description, "--check")
    assert result.returncode == 1
    assert "uploads.py" in result.stderr
    assert "files.py" not in result.stderr


@pytest.mark.parametrize("group", GROUPS)
def test_each_generated_shape_has_a_table_that_compiles(group):
    assert shapes(group).keys() <= tables(group).keys()
    for table in tables(group).values():
        error = refusal(table, {})
        assert error is None or "required" in error.message


def test_each_table_is_compared_with_the_sdk():
    json_forms = {("images", "EDIT_JSON")}
    assert {(group, name) for group in GROUPS for name in shapes(group)} - json_forms == SDK.keys()


@pytest.mark.parametrize(("group", "name"), SDK)
def test_a_table_has_all_parameters_of_the_sdk(group, name):
    parameters = set().union(*(typing.get_type_hints(kind) for kind in SDK[group, name])) - IN_PATH
    assert parameters <= tables(group)[name].shape.keys.keys()


def test_a_voice_needs_a_sample_with_consent_or_a_prompt():
    create = importlib.import_module("openaimock.params.audio").VOICES_CREATE
    create.check({"name": "mine", "audio_sample": object(), "consent": "cons_1"})
    create.check({"name": "mine", "type": "prompt", "prompt": "a calm voice"})
    with pytest.raises(APIError, match="Missing required parameter: 'audio_sample'"):
        create.check({"name": "mine"})
    with pytest.raises(APIError, match="Missing required parameter: 'prompt'"):
        create.check({"name": "mine", "type": "prompt"})

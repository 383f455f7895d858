"""The unittest mixin: one mock for all tests, reset for each of them, and tests that fail for requests no rule matched."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar
from unittest import SkipTest
from unittest.mock import patch

from .errors import ConfigError
from .storm import UNITTEST_TEST
from .testing import verdicts
from .testing.mock import MockServer
from .testing.recordings import Recordings

if TYPE_CHECKING:
    # For the type checker the mixin is a TestCase.
    from unittest import TestCase as _Base
else:
    _Base = object

#: Tells unittest to leave the frames of this module out of tracebacks.
__unittest = True
#: The mock of this process, once a test has used it.
_shared: list[MockServer] = []
_recordings = Recordings()


def _report() -> None:
    """Say at the end of the process how many exchanges were recorded and replayed."""
    report = _recordings.report()
    if report:
        print(report, file=sys.stderr)


class OpenAIMockMixin(_Base):
    """A mixin for ``unittest.TestCase``, ``IsolatedAsyncioTestCase`` and Django's ``TestCase``, to be named before them.

    Tests use ``self.openai_mock``. One mock runs on a free port until the process ends and is reset for each test, so that a
    client that is made once keeps working. OPENAI_BASE_URL, OPENAI_API_BASE and OPENAI_API_KEY point at it while a test runs.
    With the environment variable OPENAIMOCK_RECORD (``once``, ``new`` or ``all``) tests with ``upstream`` record their exchanges.
    """

    #: A path (relative to the file of the class), a dict, YAML text, or a list of these; None: rules come from the test.
    openai_mock_config: ClassVar[Any] = None
    #: Settings as a file has them, such as ``{"lint": "error"}``.
    openai_mock_settings: ClassVar[Mapping[str, Any]] = {}
    #: Whether a test may send requests that no rule matches.
    openai_mock_allow_unmatched: ClassVar[bool] = False
    #: Whether a test fails for a rule or a reply that was never used.
    openai_mock_strict: ClassVar[bool] = False
    #: Whether a test fails for findings about the client (``docs/verdict.rst``); a list has the codes that do not count.
    openai_mock_verdict: ClassVar[bool | Sequence[str]] = False

    openai_mock: MockServer
    _completed = _explained = False

    def setUp(self) -> None:
        """Reset the mock and set the environment. An override must call ``super().setUp()``."""
        super().setUp()
        config = self.openai_mock_config
        sources = [] if config is None else config if isinstance(config, list) else [config]
        file = getattr(sys.modules.get(type(self).__module__), "__file__", None)
        folder = Path(file).parent if file else Path()
        try:
            loaded = _recordings.configure((), sources, self.openai_mock_settings, folder)
        except ConfigError as error:
            # Without the frames of the package: the message names the mistake.
            raise error.with_traceback(None) from None
        if not _shared:
            _shared.append(MockServer(loaded, host="127.0.0.1", port=0))
            atexit.register(_report)
        mock = self.openai_mock = _shared[0]
        mock.restart(loaded)
        mock.log.addFilter(verdicts.is_not_miss)
        environment = patch.dict(os.environ, {**verdicts.environment(mock, os.environ), UNITTEST_TEST: self.id()})
        environment.start()
        self.addCleanup(environment.stop)
        self.addCleanup(self._check_verdict)

    def _callTestMethod(self, method: Any) -> None:
        try:
            super()._callTestMethod(method)  # type: ignore[misc]
        except Exception as error:
            if not isinstance(error, SkipTest):
                _show(error, verdicts.summary(self.openai_mock))
            # The client's error has the message of the API, and often explains the miss already.
            self._explained = verdicts.MISS in str(error)
            raise
        self._completed = True

    def _check_verdict(self) -> None:
        """Fail for the exchanges of the test; a test that failed already does not fail for leftovers."""
        _recordings.count(self.openai_mock)
        message = verdicts.verdict(
            self.openai_mock,
            self.openai_mock_allow_unmatched or self._explained,
            self.openai_mock_strict,
            self.openai_mock_verdict,
            self._completed,
        )
        if message:
            # A test that failed by itself has shown its requests.
            raise self.failureException(f"{message}\n{verdicts.summary(self.openai_mock)}" if self._completed else message)


def _show(error: Exception, text: str) -> None:
    """Show a text below an error."""
    if sys.version_info >= (3, 11):
        error.add_note(text)
    else:
        print(text, file=sys.stderr)

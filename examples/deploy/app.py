"""The mock as a WSGI application, for gunicorn, granian and other hosts: ``app`` of this module."""

import os

from openaimock import create_app

app = create_app(os.environ.get("OPENAIMOCK_CONFIG", "mock.yaml"))

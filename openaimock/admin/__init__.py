"""The admin: its own WSGI application under /__openaimock."""

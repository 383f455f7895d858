"""HTTP below the API: requests, JSON, events, payloads, errors, keys and CORS."""

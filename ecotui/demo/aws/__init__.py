"""moto with what it lacks for a rebuild. Each module adds one thing; `server.start` puts them in and serves."""

"""Where frames come from: pictures, films, cameras, addresses, pipes."""

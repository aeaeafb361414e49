"""Looking inside a net: figures of what it learned."""

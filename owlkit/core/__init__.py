"""The ground floor: errors, device memory, blobs, fillers and events. Nothing here knows of layers."""

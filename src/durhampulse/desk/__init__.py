"""The desk: where a partnership team decides."""

"""The ranked list: pages of it, filters, reasons, exports."""

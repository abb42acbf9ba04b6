"""Invoices for data calls and compute: their pages, their lines opened to calls, CSV, the API."""

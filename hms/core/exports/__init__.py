"""Lists as files: CSV and XLSX with the rows and the fields that the person sees in the list.

A desk offers its list once (`registry.offer_export`): the endpoint of the list, and the columns of the file. The rows, the
filters, the order, the fields of the role and the entries of the audit trail are those of the endpoint.
"""

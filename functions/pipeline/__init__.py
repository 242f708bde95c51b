"""The pipeline: what the Lambdas do with AWS. A handler calls one module here, which is named after what it does.

model: the records. request, execution, keys: what starts a run. starting, checking, ending, publishing, closing, reconciling:
the steps of a run and what catches a broken one. mailing, rules_checking, arrivals: what goes on beside the runs. runs, details,
streams, objects, bodies, claims, uploads: what is stored. message, notification, notice, digest, report,
report_page, flag_tables: what people read. aws, environment, observe, times, errors: what all of them share.
"""

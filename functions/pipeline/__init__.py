"""The pipeline: what the Lambdas do with AWS. A step's handler calls one module here, which is named after what it does.

model: the records. request, execution, keys: what starts a run. starting, checking, ending, publishing, closing, reconciling:
the steps. runs, details, objects, claims, uploads: what is stored. message: the summary. aws, environment, observe, errors:
what all of them share.
"""

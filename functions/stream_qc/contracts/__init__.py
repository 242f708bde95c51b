"""Rules as data contracts of the Open Data Contract Standard 3.1 (https://bitol-io.github.io/open-data-contract-standard/)."""

from stream_qc.contracts.exporting import contract_of
from stream_qc.contracts.importing import Imported, rules_of

__all__ = ["Imported", "contract_of", "rules_of"]

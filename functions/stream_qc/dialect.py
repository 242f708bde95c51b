"""How a text file is written: Frictionless' dialect words, and presets of them for files that observatories publish.

https://specs.frictionlessdata.io/csv-dialect/ and https://framework.frictionlessdata.io/docs/framework/dialect.html. Imports
nothing of ours.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

import msgspec

# By the name that Python gives them. All but UTF-16 write line ends and separators as ASCII does.
ENCODINGS = {
    "utf-8": "utf-8", "utf-16": "utf-16", "utf-16-le": "utf-16-le", "utf-16-be": "utf-16-be",
    "iso8859-1": "latin-1", "cp1252": "windows-1252",
}  # fmt: skip
LONGEST_HEADER = 1000  # lines above the first row


class Dialect(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """How a text file is written. Without a delimiter, the reader finds it from the header.

    header_rows, comment_rows: numbers of lines, from 1. Without header_rows, the header is the first line that is no comment.
    sheet: of a workbook: its name or its number, from 1.
    rows_below_header: how many lines below the header are no rows. It is for presets; rules name commentRows instead.
    """

    delimiter: str | None = None
    header: bool = True
    header_rows: list[int] = []
    header_join: str = " "
    comment_char: str | None = None
    comment_rows: list[int] = []
    skip_initial_space: bool = False
    quote_char: str = '"'
    double_quote: bool = True
    escape_char: str | None = None
    null_sequence: str | None = None
    encoding: str = "utf-8"
    sheet: str | int | None = None
    rows_below_header: int = msgspec.field(default=0, name="rowsBelowHeader")

    @property
    def codec(self) -> str:
        """Returns Python's name of the encoding."""
        return codecs.lookup(self.encoding).name

    @property
    def of_sheet(self) -> Dialect:
        """Returns the dialect of the CSV that a sheet of a workbook is read as."""
        return msgspec.structs.replace(self, delimiter=",", quote_char='"', escape_char=None, encoding="utf-8")

    @property
    def in_columns(self) -> bool:
        """Returns whether any run of blanks separates two cells."""
        return self.delimiter == " " and self.skip_initial_space

    @property
    def written_as(self) -> str | None:
        """Returns the delimiter of the plain CSV that the file is translated to; None if the header decides."""
        return "\t" if self.in_columns else self.delimiter or (None if self._keeps_cells else ",")

    @property
    def _keeps_cells(self) -> bool:
        """Returns whether the translation only leaves out lines, so that it need not know where cells begin."""
        quoted = self.quote_char != '"' or not self.double_quote or self.escape_char is not None
        return self.header and len(self.header_rows) < 2 and not quoted and not self.skip_initial_space

    @property
    def is_plain(self) -> bool:
        """Returns whether the file is CSV as RFC 4180 has it, but for the delimiter and the null sequence."""
        return msgspec.structs.replace(self, delimiter=None, null_sequence=None, sheet=None) == PLAIN

    def mistakes(self) -> Iterator[str]:
        """Yields each mistake, starting with the key that it is about."""
        for name, text in (
            ("delimiter", self.delimiter),
            ("quoteChar", self.quote_char),
            ("escapeChar", self.escape_char),
        ):
            if text is not None and not (len(text) == 1 and text.isascii() and text not in "\r\n\x00"):
                yield f"{name}: {text!r} must be one ASCII character"
        if self.quote_char == (self.delimiter or ","):
            yield f"quoteChar: {self.quote_char!r} is the delimiter too"
        if self.comment_char is not None and not self.comment_char.strip():
            yield "commentChar: must not be blank"
        for name, rows in (("headerRows", self.header_rows), ("commentRows", self.comment_rows)):
            if any(not 1 <= row <= LONGEST_HEADER for row in rows):
                yield f"{name}: {rows} must be line numbers from 1 to {LONGEST_HEADER:,}"
        if not self.header and self.header_rows:
            yield "headerRows: the dialect says `header: false`"
        try:
            known = self.codec in ENCODINGS
        except LookupError:
            known = False
        if not known:
            yield f"encoding: {self.encoding} is not supported; expected one of: {', '.join(ENCODINGS.values())}"


PLAIN = Dialect()

PRESETS = {
    # ERDDAP's .csv: names, units, rows (https://coastwatch.pfeg.noaa.gov/erddap/tabledap/documentation.html#fileType)
    "erddap": Dialect(delimiter=",", header_rows=[1], comment_rows=[2]),
    # NDBC's historical and realtime files: `#YY MM DD hh mm WDIR …`, then the units, both with a hash
    # (https://www.ndbc.noaa.gov/faq/measdes.shtml)
    "ndbc": Dialect(delimiter=" ", skip_initial_space=True, header_rows=[1], comment_char="#", null_sequence="MM"),
    # USGS' RDB: comments, names, widths such as 5s, rows (https://waterdata.usgs.gov/nwis/?tab_delimited_format_info)
    "usgs-rdb": Dialect(delimiter="\t", comment_char="#", rows_below_header=1),
    # Campbell Scientific's TOA5: station, names, units, processing (LoggerNet manual, appendix B.1.4)
    "toa5": Dialect(delimiter=",", header_rows=[2], comment_rows=[1, 3, 4], null_sequence="NAN"),
    # The DWD's climate data: columns padded with blanks, -999 for missing (https://opendata.dwd.de/climate_environment/CDC)
    "dwd": Dialect(delimiter=";", skip_initial_space=True, null_sequence="-999", encoding="latin-1"),
}

"""Files for customer systems: what their documentation asks for, and who is never in them."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import replace

import pandas as pd
import pyarrow as pa
import pytest

from durhampulse.exceptions import InputError, OutputError
from durhampulse.files.export import finished
from durhampulse.scoring.batch import score_files
from durhampulse.scoring.crm import CRM_FORMATS, FIELDS, crm_format
from durhampulse.scoring.scorer import load_model
from durhampulse.scoring.writeback import CrmSink

SCORED = {
    "Influencer ID": ["1001", "@lena", "7", "8"],
    "Mail": ["lena@example.org", "", "=1+1@example.org", None],
    "Predicted Sponsorship": [0.91, 0.7, 0.05, 0.99],
    "Interval Low": [0.85, 0.6, 0.01, 0.0],
    "Interval High": [0.95, 0.8, 0.1, 1.0],
    "Sponsorship Recommendation": [
        "Yes", "Maybe (manual review)", "No", "No precedent (manual review)",
    ],
}  # fmt: skip
ABOUT = {"model": "m-1", "written": "2026-11-26T18:40:00+00:00"}
EXPECTED = {
    # True or Yes is shown as ticked, False or No as not; dates as YEAR_MONTH_DAY.
    "hubspot": b"DurhamPulse ID,Email,DurhamPulse Probability,DurhamPulse Low,DurhamPulse High,"
    b"DurhamPulse Recommendation,DurhamPulse Recommended,DurhamPulse Review,DurhamPulse Model,"
    b"DurhamPulse Scored On\r\n"
    b"1001,lena@example.org,0.9100,0.8500,0.9500,Yes,True,,m-1,2026-11-26\r\n"
    b"@lena,,0.7000,0.6000,0.8000,Maybe (manual review),False,,m-1,2026-11-26\r\n"
    b"7,,0.0500,0.0100,0.1000,No,False,,m-1,2026-11-26\r\n"
    b"8,,0.9900,0.0000,1.0000,No precedent (manual review),False,,m-1,2026-11-26\r\n",
    # Field names in the first row, no byte order mark, line feeds, true and false, yyyy-MM-dd.
    "salesforce": b"DurhamPulse_ID__c,Email,DurhamPulse_Probability__c,DurhamPulse_Low__c,"
    b"DurhamPulse_High__c,DurhamPulse_Recommendation__c,DurhamPulse_Recommended__c,"
    b"DurhamPulse_Review__c,DurhamPulse_Model__c,DurhamPulse_Scored_On__c\n"
    b"1001,lena@example.org,0.9100,0.8500,0.9500,Yes,true,,m-1,2026-11-26\n"
    b"@lena,,0.7000,0.6000,0.8000,Maybe (manual review),false,,m-1,2026-11-26\n"
    b"7,,0.0500,0.0100,0.1000,No,false,,m-1,2026-11-26\n"
    b"8,,0.9900,0.0000,1.0000,No precedent (manual review),false,,m-1,2026-11-26\n",
    # "Make sure the file is encoded as UTF-8 BOM"; two options are called Yes and No.
    "dynamics": b"\xef\xbb\xbfDurhamPulse ID,Email,DurhamPulse Probability,DurhamPulse Low,"
    b"DurhamPulse High,DurhamPulse Recommendation,DurhamPulse Recommended,DurhamPulse Review,"
    b"DurhamPulse Model,DurhamPulse Scored On\r\n"
    b"1001,lena@example.org,0.9100,0.8500,0.9500,Yes,Yes,,m-1,2026-11-26\r\n"
    b"@lena,,0.7000,0.6000,0.8000,Maybe (manual review),No,,m-1,2026-11-26\r\n"
    b"7,,0.0500,0.0100,0.1000,No,No,,m-1,2026-11-26\r\n"
    b"8,,0.9900,0.0000,1.0000,No precedent (manual review),No,,m-1,2026-11-26\r\n",
}


def batch_of(**others):
    cells = {**SCORED, **others}
    fields = [
        pa.field(name, pa.float64() if isinstance(values[0], float) else pa.string(),
                 metadata={"carried": "email"} if name == "Mail" else None)
        for name, values in cells.items()
    ]  # fmt: skip
    return pa.record_batch([pa.array(v) for v in cells.values()], schema=pa.schema(fields))


def write(path, form, *batches, packed=False):
    with finished(CrmSink(form, path, batches[0].schema, ABOUT, packed=packed)) as sink:
        for batch in batches:
            sink.write(batch)
    return sink.notes


@pytest.mark.parametrize("name", sorted(CRM_FORMATS))
def test_carriage_return_in_a_cell_ends_no_row(name, tmp_path):
    """As a foreign model may be called; RFC 4180 has such a cell quoted."""
    path, about = tmp_path / "out.csv", {**ABOUT, "model": "m\r1"}
    with finished(CrmSink(CRM_FORMATS[name], path, batch_of().schema, about, packed=False)) as sink:
        sink.write(batch_of())
    assert path.read_bytes().count(b'"m\r1"') == 4


@pytest.mark.parametrize("name", sorted(CRM_FORMATS))
def test_file_is_as_the_vendor_documents_it(name, tmp_path):
    assert write(tmp_path / "out.csv", CRM_FORMATS[name], batch_of()) == []
    assert (tmp_path / "out.csv").read_bytes() == EXPECTED[name]


def test_limits_are_those_of_the_documentation():
    limits = {name: (form.most_rows, form.most_bytes) for name, form in CRM_FORMATS.items()}
    assert limits["hubspot"] == (1_048_576, 20_000_000)  # rows a file; with the free tools 20 MB
    assert limits["salesforce"] == (50_000 + 1, 100_000_000)  # records of the wizard, and a header
    assert limits["dynamics"][1] == 8_000_000
    for header in CRM_FORMATS["salesforce"].headers.values():  # names of fields, 40 letters at most
        assert re.fullmatch(r"Email|[A-Za-z](?:[A-Za-z0-9]|_(?!_))*[A-Za-z0-9]__c", header)
        assert len(header) <= 40
    assert len(FIELDS) < 90
    assert crm_format("hubspot").name == "HubSpot"
    with pytest.raises(InputError, match="no such customer system"):
        crm_format("pipedrive")


def test_declined_creators_and_keys_that_are_formulas_are_left_out_and_counted(tmp_path):
    batch = batch_of(**{
        "Influencer ID": ["1001", "=HYPERLINK(1)", None, "+49-1"],
        "Review": ["declined", "open", "open", "approved"],
    })  # fmt: skip
    notes = write(tmp_path / "out.csv", CRM_FORMATS["hubspot"], batch)
    (row,) = csv.DictReader(io.StringIO((tmp_path / "out.csv").read_text()))
    assert (row["DurhamPulse ID"], row["DurhamPulse Review"]) == ("+49-1", "approved")
    assert notes == [
        "Left out of the file for HubSpot: 1 declined by a reviewer",
        "Left out of the file for HubSpot: 1 whose identifier a spreadsheet would run as a formula",
        "Left out of the file for HubSpot: 1 without an identifier",
    ]


@pytest.mark.parametrize("limit", [{"most_rows": 3}, {"most_bytes": 420}])
def test_what_exceeds_a_file_is_refused_or_shared_among_several(limit, tmp_path):
    form = replace(CRM_FORMATS["hubspot"], **limit)
    with pytest.raises(InputError, match="these are more") as error:
        write(tmp_path / "out.csv", form, batch_of())
    assert ".zip" in error.value.way_out
    write(tmp_path / "out.zip", form, batch_of(), batch_of(), packed=True)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        parts = [archive.read(name).decode() for name in archive.namelist()]
    ids = [row["DurhamPulse ID"] for part in parts for row in csv.DictReader(io.StringIO(part))]
    assert ids == SCORED["Influencer ID"] * 2
    assert len(parts) > 2
    for part in parts:
        assert part.count("\r\n") <= form.most_rows
        assert len(part.encode()) <= form.most_bytes


def test_a_list_is_scored_into_a_customer_system_s_file(demo_model, market_file, tmp_path):
    scorer, out = load_model(demo_model), tmp_path / "crm.csv"
    summary = score_files(scorer, [market_file], out, crm="salesforce")
    rows = [*csv.DictReader(io.StringIO(out.read_text()))]
    assert len(rows) == summary.scored == 1_200
    ticked = {row["DurhamPulse_Recommendation__c"] for row in rows
              if row["DurhamPulse_Recommended__c"] == "true"}  # fmt: skip
    assert ticked == {"Yes"}
    score_files(scorer, [market_file], tmp_path / "crm.zip", crm="dynamics", top=5)
    with zipfile.ZipFile(tmp_path / "crm.zip") as archive:
        assert len(archive.read("dynamics-365-1.csv").splitlines()) == 6
    nameless = tmp_path / "nameless.csv"
    table = pd.read_csv(market_file).drop(columns="Influencer_ID").head(5)
    table.to_csv(nameless, index=False)
    with pytest.raises(InputError, match="no column tells creators apart"):
        score_files(scorer, [nameless], tmp_path / "other.csv", crm="hubspot")
    with pytest.raises(OutputError, match="HubSpot imports no such file"):
        score_files(scorer, [market_file], tmp_path / "crm.parquet", crm="hubspot")

"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_INSTANT = sa.DateTime(timezone=True)
_NAME = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Bring the store to this version."""
    op.create_table(
        "api_key",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("revoked_at", _INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_api_key"),
        sa.UniqueConstraint("digest", name="uq_api_key_digest"),
        sa.UniqueConstraint("name", name="uq_api_key_name"),
    )
    op.create_table(
        "attempt",
        sa.Column("id", _ID, nullable=False),
        sa.Column("who", sa.String(length=300), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempt"),
    )
    op.create_index("ix_attempt_who_at", "attempt", ["who", "at"])

    op.create_table(
        "audit",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("who", sa.String(length=100), nullable=False),
        sa.Column("act", sa.String(length=50), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
    )
    op.create_index("ix_audit_subject", "audit", ["subject"])

    op.create_table(
        "campaign",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("brief", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_campaign"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "creator",
        sa.Column("id", _ID, nullable=False),
        sa.Column("external_id", _NAME, nullable=False),
        sa.Column("followers", sa.Double()),
        sa.Column("engagement_rate", sa.Double()),
        sa.Column("growth_rate", sa.Double()),
        sa.Column("avg_views", sa.Double()),
        sa.Column("niche", sa.String(length=200)),
        sa.Column("video_quality", sa.String(length=200)),
        sa.Column("extra", sa.JSON(none_as_null=True)),
        sa.Column("probability", sa.Double()),
        sa.Column("low", sa.Double()),
        sa.Column("high", sa.Double()),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("lottery", sa.Double(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("run_id", _ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_creator"),
        sa.UniqueConstraint("external_id", name="uq_creator_external_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_creator_by_engagement_rate",
        "creator",
        [
            "engagement_rate",
            "id",
            "external_id",
            "followers",
            "probability",
            "niche",
            "state",
            "flags",
        ],
    )
    op.create_index(
        "ix_creator_by_external_id",
        "creator",
        [
            "external_id",
            "id",
            "followers",
            "engagement_rate",
            "probability",
            "niche",
            "state",
            "flags",
        ],
    )
    op.create_index(
        "ix_creator_by_followers",
        "creator",
        [
            "followers",
            "id",
            "external_id",
            "engagement_rate",
            "probability",
            "niche",
            "state",
            "flags",
        ],
    )
    op.create_index(
        "ix_creator_by_probability",
        "creator",
        [
            "probability",
            "id",
            "external_id",
            "followers",
            "engagement_rate",
            "niche",
            "state",
            "flags",
            "low",
            "high",
        ],
    )
    op.create_index("ix_creator_lottery", "creator", ["state", "lottery", "probability"])
    op.create_index("ix_creator_queue", "creator", ["state", "probability", "lottery", "id"])

    op.create_table(
        "model",
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("origin", sa.String(length=300), nullable=False),
        sa.Column("added_at", _INSTANT, nullable=False),
        sa.Column("added_by", sa.String(length=100), nullable=False),
        sa.Column("compared", sa.JSON(none_as_null=True)),
        sa.PrimaryKeyConstraint("version", name="pk_model"),
    )
    op.create_table(
        "objection",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_objection"),
    )
    op.create_table(
        "person",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("password_hash", sa.String(length=300)),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.UniqueConstraint("name", name="uq_person_name"),
    )
    op.create_table(
        "receipt",
        sa.Column("id", _ID, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("act", sa.String(length=50), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_receipt"),
    )
    op.create_table(
        "score",
        sa.Column("creator_id", _ID, nullable=False),
        sa.Column("run_id", _ID, nullable=False),
        sa.Column("probability", sa.Double()),
        sa.Column("low", sa.Double()),
        sa.Column("high", sa.Double()),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("creator_id", "run_id", name="pk_score"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "setting",
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_setting"),
    )
    op.create_table(
        "staged",
        sa.Column("id", _ID, nullable=False),
        sa.Column("upload_id", _ID, nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("external_id", _NAME, nullable=False),
        sa.Column("followers", sa.Double()),
        sa.Column("engagement_rate", sa.Double()),
        sa.Column("growth_rate", sa.Double()),
        sa.Column("avg_views", sa.Double()),
        sa.Column("niche", sa.String(length=200)),
        sa.Column("video_quality", sa.String(length=200)),
        sa.Column("extra", sa.JSON(none_as_null=True)),
        sa.Column("probability", sa.Double()),
        sa.Column("low", sa.Double()),
        sa.Column("high", sa.Double()),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("lottery", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_staged"),
    )
    op.create_index("ix_staged_upload_id_external_id", "staged", ["upload_id", "external_id"])

    op.create_table(
        "campaign_creator",
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("creator_id", _ID, nullable=False),
        sa.Column("choice", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name="fk_campaign_creator_campaign_id"
        ),
        sa.ForeignKeyConstraint(
            ["creator_id"], ["creator.id"], name="fk_campaign_creator_creator_id"
        ),
        sa.PrimaryKeyConstraint("campaign_id", "creator_id", name="pk_campaign_creator"),
    )
    op.create_index("ix_campaign_creator_creator_id", "campaign_creator", ["creator_id"])

    op.create_table(
        "claim",
        sa.Column("creator_id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("why", sa.String(length=20), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["creator_id"], ["creator.id"], name="fk_claim_creator_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_claim_person_id"),
        sa.PrimaryKeyConstraint("creator_id", name="pk_claim"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_claim_person_id", "claim", ["person_id"])

    op.create_table(
        "link",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("person_id", _ID),
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("used_at", _INSTANT),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_link_person_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_link"),
    )
    op.create_table(
        "model_file",
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["version"], ["model.version"], name="fk_model_file_version"),
        sa.PrimaryKeyConstraint("version", "name", name="pk_model_file"),
    )
    op.create_table(
        "outcome",
        sa.Column("id", _ID, nullable=False),
        sa.Column("creator_id", _ID, nullable=False),
        sa.Column("deal", sa.Boolean(), nullable=False),
        sa.Column("on", sa.Date(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("probability", sa.Double()),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("replaced_at", _INSTANT),
        sa.ForeignKeyConstraint(["creator_id"], ["creator.id"], name="fk_outcome_creator_id"),
        sa.PrimaryKeyConstraint("id", name="pk_outcome"),
    )
    op.create_index("ix_outcome_creator_id", "outcome", ["creator_id"])

    op.create_table(
        "review",
        sa.Column("id", _ID, nullable=False),
        sa.Column("creator_id", _ID, nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("decision", sa.String(length=20), nullable=False),
        sa.Column("reason", sa.String(length=100), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("probability", sa.Double()),
        sa.Column("band", sa.String(length=40), nullable=False),
        sa.Column("why", sa.String(length=20), nullable=False),
        sa.Column("previous", sa.String(length=20), nullable=False),
        sa.Column("request", sa.String(length=100), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("undone_at", _INSTANT),
        sa.ForeignKeyConstraint(["creator_id"], ["creator.id"], name="fk_review_creator_id"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_review_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_review"),
        sa.UniqueConstraint("request", name="uq_review_request"),
    )
    op.create_index("ix_review_creator_id", "review", ["creator_id"])
    op.create_index("ix_review_person_id_at", "review", ["person_id", "at"])

    op.create_table(
        "session",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("person_id", _ID, nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_session_person_id"),
        sa.PrimaryKeyConstraint("digest", name="pk_session"),
    )
    op.create_index("ix_session_person_id", "session", ["person_id"])

    op.create_table(
        "upload",
        sa.Column("id", _ID, nullable=False),
        sa.Column("file_name", sa.String(length=300), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("units", sa.JSON(), nullable=False),
        sa.Column("chunks_done", sa.Integer(), nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("problem", sa.Text()),
        sa.Column("way_out", sa.Text()),
        sa.Column("summary", sa.JSON(none_as_null=True)),
        sa.Column("model_version", sa.String(length=64)),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("finished_at", _INSTANT),
        sa.Column("worker", sa.String(length=100)),
        sa.Column("lease_until", _INSTANT),
        sa.ForeignKeyConstraint(
            ["model_version"], ["model.version"], name="fk_upload_model_version"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_upload"),
    )
    op.create_index("ix_upload_state", "upload", ["state"])

    op.create_table(
        "refused",
        sa.Column("id", _ID, nullable=False),
        sa.Column("upload_id", _ID, nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name="fk_refused_upload_id"),
        sa.PrimaryKeyConstraint("id", name="pk_refused"),
    )
    op.create_index("ix_refused_upload_id", "refused", ["upload_id"])

    op.create_table(
        "run",
        sa.Column("id", _ID, nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("model_version", sa.String(length=64), nullable=False),
        sa.Column("upload_id", _ID),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("applied_at", _INSTANT),
        sa.Column("creators", sa.Integer(), nullable=False),
        sa.Column("drift", sa.JSON(none_as_null=True)),
        sa.ForeignKeyConstraint(["model_version"], ["model.version"], name="fk_run_model_version"),
        sa.ForeignKeyConstraint(["upload_id"], ["upload.id"], name="fk_run_upload_id"),
        sa.PrimaryKeyConstraint("id", name="pk_run"),
    )
    _guard_audit()


def _guard_audit() -> None:
    """Make the database itself refuse to change the audit log."""
    if op.get_bind().dialect.name == "sqlite":
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{act.lower()} BEFORE {act} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is only added to'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows()"
    )


def downgrade() -> None:
    """There is no version before the first."""
    raise NotImplementedError("Restore a backup instead.")

"""The tables of the law: versions of rules and who confirmed them."""

from law.models.legal_rule import LegalRule, RuleConfirmation, RuleTable

__all__ = ["LegalRule", "RuleConfirmation", "RuleTable"]

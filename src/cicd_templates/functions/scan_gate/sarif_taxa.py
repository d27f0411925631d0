"""Finds the CWE numbers of a SARIF result. Knows all forms in which tools refer to CWE numbers."""

from __future__ import annotations

import re
from typing import Any

from cicd_templates.functions.scan_gate.reading import mapping, rows, text
from cicd_templates.functions.scan_gate.severity import cwe_numbers

_CWE_NAME = re.compile(r"\bCWE\b|common weakness enumeration", re.IGNORECASE)


class Taxonomies:
    """The taxonomies of a run. Rules and results refer to entries (taxa) of a taxonomy by index, guid or name."""

    def __init__(self, run: dict[str, Any], components: list[dict[str, Any]]) -> None:
        """Index the taxonomies of `run` and of `components`, the parts of the tool that wrote the report."""
        self._listed = rows(run.get("taxonomies"), "taxonomies")
        self._by_guid = {
            text(each.get("guid")).lower(): each for each in (*components, *self._listed) if each.get("guid")
        }
        self._by_name = {text(each.get("name")): each for each in (*components, *self._listed)}
        self._taxa = {id(each): rows(each.get("taxa"), "taxa") for each in (*components, *self._listed)}
        self._taxa_by_guid = {
            text(taxon.get("guid")).lower(): (each, taxon)
            for each in (*components, *self._listed)
            for taxon in self._taxa[id(each)]
            if taxon.get("guid")
        }

    def cwe_numbers(self, rule: dict[str, Any], result: dict[str, Any]) -> list[int]:
        """Return the CWE numbers of the taxa to which a result and its rule refer."""
        references = [
            mapping(each.get("target"), "target") for each in rows(rule.get("relationships"), "relationships")
        ]
        references += rows(result.get("taxa"), "taxa")
        return sorted({number for reference in references for number in self._numbers(reference)})

    def _numbers(self, reference: dict[str, Any]) -> list[int]:
        component = mapping(reference.get("toolComponent"), "toolComponent")
        index, guid, name = component.get("index"), text(component.get("guid")).lower(), text(component.get("name"))
        taxonomy = self._by_guid.get(guid) or self._by_name.get(name) or {}
        if not taxonomy and isinstance(index, int) and 0 <= index < len(self._listed):
            taxonomy = self._listed[index]
        taxon: dict[str, Any] = {}
        listed, position = self._taxa.get(id(taxonomy), []), reference.get("index")
        if isinstance(position, int) and 0 <= position < len(listed):
            taxon = listed[position]
        elif text(reference.get("guid")).lower() in self._taxa_by_guid:
            taxonomy, taxon = self._taxa_by_guid[text(reference["guid"]).lower()]
        spelled = [reference.get("id"), taxon.get("id"), taxon.get("name")]
        if _CWE_NAME.search(f"{name} {text(taxonomy.get('name'))}"):
            # A bare number, or a path of numbers from the weakness down to its variant.
            spelled += [
                f"CWE-{number}" for each in spelled[:2] for number in re.findall(r"(?<![\w.-])\d+(?![\w.])", text(each))
            ]
        return cwe_numbers(*(each for each in spelled if isinstance(each, str)))

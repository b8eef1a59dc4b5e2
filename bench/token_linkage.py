"""Measure what the search tokens in a stolen backup reveal: `python -m bench.token_linkage`.

The script invents children whose names have the distribution of `bench.names`, and computes their tokens. It measures

- how often a partner finds the child of a referral that it sent, by the number of tokens that both share. With one key
  for all contexts, the tokens of the referral are those of the child;
- how often two children of which each shares most tokens with the other have the same name;
- how often a misspelled referral finds a child, because fewer tokens must not find fewer children.
"""

import json
import random
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import typer

from app.access.blind_index import MAX_TOKEN_BITS, BlindIndex, recommend_token_bits
from app.models.contents import StoredPersonName
from app.services.persons import name_matching
from bench.names import Name, choose_name

RESULT = Path(__file__).parent / "results" / "token-linkage.json"
CHILD_COUNTS = (300, 3_000, 30_000)
SAMPLE_SIZE = 300
ROWS_PER_TOKEN, CANDIDATES = 300, 200
"""Limits of `access.possible_duplicates`."""
LETTERS = "aeioubdkmnrsth"

FullName = tuple[Name, Name]


class Backup:
    """The search tokens of a database, which a thief can read, and the names, which only the measurement knows."""

    def __init__(self, count: int, rng: random.Random) -> None:
        self.children: list[FullName] = [choose_name(rng) for _ in range(count)]
        self._shift = MAX_TOKEN_BITS - recommend_token_bits(count)
        self._index = BlindIndex(secrets.token_bytes(32))
        self.tokens = [self.compute_tokens(to_names(*child), "child") for child in self.children]
        self.owners: defaultdict[int, list[int]] = defaultdict(list)
        for number, tokens in enumerate(self.tokens):
            for token in tokens:
                self.owners[token].append(number)

    def compute_tokens(self, names: Sequence[StoredPersonName], context: str) -> set[int]:
        """Return the stored tokens of names."""
        keys = name_matching.compute_person_keys(names, None)
        return {token >> self._shift for token in self._index.compute_tokens(keys, context=context)}

    def rank_by_shared_tokens(self, tokens: Iterable[int]) -> list[int]:
        """Return the children that share most tokens, as a thief ranks them."""
        shared = Counter(owner for token in tokens for owner in self.owners[token])
        most = max(shared.values(), default=0)
        return [number for number, count in shared.items() if count == most]

    def find_candidates(self, names: Sequence[StoredPersonName]) -> list[int]:
        """Return the candidates of `access.possible_duplicates`."""
        rarity: Counter[int] = Counter()
        for token in self.compute_tokens(names, "child"):
            owners = self.owners[token][:ROWS_PER_TOKEN]
            for owner in owners:
                rarity[owner] += 1 / len(owners)  # type: ignore[assignment]  # a Counter of fractions
        return [number for number, _ in rarity.most_common(CANDIDATES)]


def to_names(family: Name, given: Name) -> list[StoredPersonName]:
    """Return a full name in both scripts."""
    return [
        {"script": "khmer", "family": family[0], "given": given[0]},
        {"script": "latin", "family": family[1], "given": given[1]},
    ]


def measure_referral_linkage(backup: Backup, sample: Sequence[int], context: str) -> float:
    """Return how often a random one of the children that share most tokens with a referral is the right child."""
    total = 0.0
    for number in sample:
        referral_tokens = backup.compute_tokens(to_names(*backup.children[number]), context)
        best = backup.rank_by_shared_tokens(referral_tokens)
        total += (number in best) / max(len(best), 1)
    return total / len(sample)


def measure_name_linkage(backup: Backup, sample: Sequence[int]) -> tuple[float, float]:
    """Return how often the child with the most shared tokens has the same full name, and the same family name."""
    same_name = same_family = 0.0
    for number in sample:
        shared = Counter(owner for token in backup.tokens[number] for owner in backup.owners[token])
        del shared[number]
        most = max(shared.values(), default=0)
        best = [other for other, count in shared.items() if count == most]
        if not best:
            continue
        own = backup.children[number]
        same_name += sum(backup.children[other] == own for other in best) / len(best)
        same_family += sum(backup.children[other][0] == own[0] for other in best) / len(best)
    return same_name / len(sample), same_family / len(sample)


def measure_recall(
    backup: Backup, sample: Sequence[int], change: Callable[[FullName], list[StoredPersonName]]
) -> float:
    """Return how often the candidates of a changed name contain a child with the original name."""
    found = 0
    for number in sample:
        candidates = backup.find_candidates(change(backup.children[number]))
        found += any(backup.children[other] == backup.children[number] for other in candidates)
    return found / len(sample)


def misspell(text: str, rng: random.Random) -> str:
    """Replace one letter, but not the first."""
    position = rng.randrange(1, len(text))
    return text[:position] + rng.choice(LETTERS) + text[position + 1 :]


def measure(count: int) -> dict[str, float]:
    """Return the measurements of a database with a number of children."""
    rng = random.Random(count)  # noqa: S311 - must be reproducible, not secret
    backup = Backup(count, rng)
    sample = rng.sample(range(count), SAMPLE_SIZE)
    same_name, same_family = measure_name_linkage(backup, sample)

    def misspell_given_name(child: FullName) -> list[StoredPersonName]:
        return [{"script": "latin", "family": child[0][1], "given": misspell(child[1][1], rng)}]

    return {
        "children": count,
        "bits": recommend_token_bits(count),
        "tokens_per_child": sum(map(len, backup.tokens)) / count,
        "child_of_a_referral_with_one_key_for_all": measure_referral_linkage(backup, sample, "child"),
        "child_of_a_referral": measure_referral_linkage(backup, sample, "referral"),
        "most_similar_child_has_the_same_name": same_name,
        "most_similar_child_has_the_same_family_name": same_family,
        "recall_of_a_misspelled_given_name": measure_recall(backup, sample, misspell_given_name),
        "recall_in_khmer_only": measure_recall(backup, sample, lambda child: to_names(*child)[:1]),
    }


def main() -> None:
    """Measure the linkage of tokens, print the result and write it to bench/results/token-linkage.json."""
    results = [{name: round(value, 4) for name, value in measure(count).items()} for count in CHILD_COUNTS]
    RESULT.write_text(json.dumps(results, indent=2) + "\n")
    print(RESULT.read_text())


if __name__ == "__main__":
    typer.run(main)

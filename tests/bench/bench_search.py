"""How long a search and a page of duplicates take at 10,000 cases, and how many surnames share a token.

    manage.py bench search [cases]

Times are the CPU's own, the median of several calls in one run; the yardstick beside them is one empty search
(a name that nobody has), so that two machines can be compared by ratios.
"""

import os
import statistics
import sys
import time
from collections import Counter
from io import StringIO

import django

STEMS = """
Абак Авдо Агап Алек Андр Анис Арда Арсен Афан Базар Балд Бат Белов Бород Боч Бур Вас Верш Вол Гарип Герас Гор
Григ Гус Дамб Дан Дмитр Долг Дор Евс Егор Ерм Ефим Жап Жарг Жел Жук Зайц Зах Зим Зуб Иван Игн Ил Исмаил Каз
Калин Карас Кас Кир Кис Коз Комар Кон Кор Кот Крав Крас Круг Кузн Кул Лаз Леб Леон Лис Лог Лук Магом Мак Мар
Мат Медв Мельн Мирон Мих Мор Мусл Наз Нар Ник Нов Нос Нур Обух Оленб Орл Осип Очир Пав Пан Пет Пирог Плат Пол
Пон Пот Прох Рад Рам Рог Ром Руб Ряб Савел Садык Сал Сам Свет Сем Серг Сид Скворц Смирн Сок Сол Стеф Сур Тарас
Тих Том Тог Трет Троф Турд Уман Фад Фед Фил Фом Хабиб Хаз Хам Харит Цыд Чер Чист Шап Шар Шев Шиш Щерб Юс Яков
"""
ENDS = "ов ев ин иев енко чук ский цев ников аев инов ушкин ыкин ович ашвили ян ула баев беков"

GIVEN = "Юрий Илья Марк Руслан Денис Лев Аян Фёдор Жаргал Тимур Азат Баир"


def surnames():
    """A list as long as that of a large office, of parts that real surnames are made of."""
    return [stem + end for stem in STEMS.split() for end in ENDS.split()]


def cpu_ms(act, times=15):
    """Median CPU milliseconds of `act`."""
    spent = []
    for _each in range(times):
        start = time.process_time()
        act()
        spent.append((time.process_time() - start) * 1000)
    return statistics.median(spent)


def fill(count):
    """`count` cases of three teams with a name, two contacts and a passport each."""
    from random import Random
    from uuid import uuid4

    from cases.models import Case, ContactChannel, Identity, IdentityDocument
    from cases.models.code_name_words import LOOKS, THINGS
    from staff.models import Team, User

    dice, names = Random(1), surnames()
    people = []
    for name in ("Astana", "Tbilisi", "Yerevan"):
        team = Team.objects.create(name=name)
        users = [
            User.objects.create_user(f"{name}-{role}", role=role, team=team, address=f"{role}@bench.invalid")
            for role in ("coordinator", "caseworker")
        ]
        people.append(users)
    for start in range(0, count, 1000):
        cases = [
            Case(
                id=uuid4(),
                code_name=f"{dice.choice(LOOKS).title()} {dice.choice(THINGS)} {number}",
                country="KZ",
                team=users[0].team,
                caseworker=users[1],
            )
            for number in range(start, min(start + 1000, count))
            for users in [people[number % 3]]
        ]
        Case.objects.bulk_create(cases, by=None)
        # A few surnames are much more common than others, as everywhere.
        chosen = [names[int(len(names) * dice.random() ** 3)] for _case in cases]
        Identity.objects.bulk_create(
            [
                Identity(case=case, surname=surname, given_name=dice.choice(GIVEN.split()))
                for case, surname in zip(cases, chosen, strict=True)
            ],
            by=None,
        )
        for model, field, kind in (
            (ContactChannel, "value", "phone"),
            (IdentityDocument, "number", "internal_passport"),
        ):
            rows = [
                model(case=case, kind=kind, **{field: f"+7701{dice.randrange(10**7):07}"}) for case in cases
            ]
            model.objects.bulk_create(rows, by=None)
    return people


def main():
    """Fill, measure, print."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.core.management import call_command
    from django.utils import timezone

    from cases import duplicates, search
    from cases.models import Case, NameWord

    call_command("migrate", verbosity=0)
    call_command("vault", "init", stdout=StringIO())
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    people = fill(count)
    coordinator, caseworker = people[0]
    today = timezone.localdate()
    nobody = cpu_ms(lambda: search.cases("Ыргызбаев", by=coordinator, today=today))
    print(f"{count} cases, {NameWord.objects.count()} words; a name that nobody has: {nobody:.1f} ms")
    code_name = Case.objects.visible_to(caseworker).first().code_name
    for what, text in (
        ("the commonest surname", surnames()[0]),
        ("a rare surname and a given name", f"{surnames()[700]} Юрий"),
        ("a phone", "8 701 000 00 01"),
        ("a code name", code_name),
    ):
        for who, user in (("coordinator", coordinator), ("caseworker", caseworker)):
            found = search.cases(text, by=user, today=today)
            spent = cpu_ms(lambda text=text, user=user: search.cases(text, by=user, today=today))
            print(f"{what}, {who}: {spent:.1f} ms, x{spent / nobody:.1f}, {found.total} matches")
    case = Case.objects.held_by(coordinator).first()
    spent = cpu_ms(lambda: duplicates.of(coordinator, today=today, case=case))
    print(f"duplicates of one case: {spent:.1f} ms, x{spent / nobody:.1f}")
    found = duplicates.of(coordinator, today=today)
    spent = cpu_ms(lambda: duplicates.of(coordinator, today=today), times=3)
    print(f"duplicates of a team: {spent:.1f} ms, x{spent / nobody:.1f}, {len(found.pairs)} pairs")
    tell_tokens()


def tell_tokens():
    """How many different surnames stand behind one token of 14 bits."""
    from cases.models import NameWord
    from vault.normalise import name_words

    column = NameWord._meta.get_field("token")
    for size in (1000, len(surnames())):
        keys = {name_words(surname)[0] for surname in surnames()[:size]}
        shared = Counter(int(column.token(key)) for key in keys)
        alone = sum(number == 1 for number in shared.values())
        print(
            f"{len(keys)} surnames: {len(shared)} of 16384 tokens, {len(keys) - alone} surnames "
            f"({100 - 100 * alone / len(keys):.0f} %) share theirs, at most {max(shared.values())} one"
        )


if __name__ == "__main__":
    main()

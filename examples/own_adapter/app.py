"""A morning at the desk: fifteen readers borrow, and some want more than they may."""

import datetime

import requests
from experiments import Loans

TODAY = datetime.date(2026, 3, 2)
TITLES = ("Emma", "Persuasion", "Middlemarch", "Cranford", "Villette", "Shirley")


def main():
    loans = Loans("http://127.0.0.1:8101")
    lent = refused = 0
    for number in range(1, 16):
        card, wanted = f"card-{number:02}", 6 if number % 4 == 0 else 2
        for place in range(number, number + wanted):
            try:
                loans.lend(card, TITLES[place % 6], on=TODAY)
                lent += 1
            except requests.HTTPError:
                refused += 1
        loans.held(card)
    print(f"{lent} books lent, {refused} refused")


if __name__ == "__main__":
    main()

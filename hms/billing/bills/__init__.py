"""Bills: drafts, charges, issuing, discounts, payers, frozen facts."""

"""What can be done with an exchange account, for whatever face asked.

No service speaks to an exchange inside a transaction, and none lets a part of a key out of it.
"""

from accounts.services.asked import Wanted, on_real_exchanges, user_named
from accounts.services.balance import Held, account_balance
from accounts.services.making import (
    account_add,
    account_delete,
    account_rename,
    account_replace_key,
    account_resume,
    account_suspend,
    deleted_in_words,
)
from accounts.services.opening import credentials_of
from accounts.services.paper import markets_refresh, paper_account_add
from accounts.services.probing import account_refused, account_test, check_due_accounts
from accounts.services.rotating import keys_to_rotate, rotate_key
from accounts.services.shortages import (
    account_compare,
    compare_due_accounts,
    holders_of,
    shortage_close,
    shortages_of,
    sure_shortages_of,
)

__all__ = [
    "Held",
    "Wanted",
    "account_add",
    "account_balance",
    "account_compare",
    "account_delete",
    "account_refused",
    "account_rename",
    "account_replace_key",
    "account_resume",
    "account_suspend",
    "account_test",
    "check_due_accounts",
    "compare_due_accounts",
    "credentials_of",
    "deleted_in_words",
    "holders_of",
    "keys_to_rotate",
    "markets_refresh",
    "on_real_exchanges",
    "paper_account_add",
    "rotate_key",
    "shortage_close",
    "shortages_of",
    "sure_shortages_of",
    "user_named",
]

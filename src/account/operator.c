/* operator.c - what the operator asks through the server's own socket: accounts, history. */
#include "account/account.h"

const struct operation *const operator_operations[] = { NULL };

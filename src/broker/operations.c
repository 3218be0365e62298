/* operations.c - messages over HTTPS, and retained ones: the iot-data operations of the broker (broker.md 2). */
#include "broker/broker.h"

const struct operation *const broker_operations[] = { NULL };

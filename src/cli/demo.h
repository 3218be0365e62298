/* demo.h - muster demo, as its files see it: demo.c tells the story; demo_server.c has the folder and the child that
   serves it, demo_setup.c what an operator does through the public API, demo_fleet.c the devices, demo_claim.c what the
   claim certificate may not do. */
#pragma once
#include "cli/cli.h"
#include "device/device.h"
#include <sys/types.h>

#define DEMO_TEMPLATE       "pumps"
#define DEMO_OTHER_TEMPLATE "valves" /* the claim has no business with it */

struct demo {
    const char *folder; /* of this demo: the server's folder, its log, a device's certificate */
    const char *dir;    /* the server's */
    const char *log;
    int mqtt_port;
    pid_t server; /* 0: does not run */
    int server_says;

    struct environment *environment;
    struct device_api api;
    slice ca_pem;
    const struct device_server *mqtt;
    const struct device_identity *claim;

    struct demo_device {
        struct demo *demo;
        const char *serial, *thing_name, *certificate_id, *certificate_pem;
        char *private_pem; /* wiped when freed */
        int version;
        bool by_csr;
        enum device_format format;
        int64_t total_us;
        bool ok;
        const char *trouble; /* why not */
    } * devices;
    size_t count, done;
    bool on_terminal;
};

extern volatile sig_atomic_t demo_interrupted; /* Ctrl-C, SIGTERM */

/* All fail with DemoFailed or what the room below says; results hang off the demo. */

/* A fresh folder with free ports and everything `muster init` makes. */
FALLIBLE demo_make_folder(struct demo *demo);
/* musterd, from beside this program, as a child; returns once it is ready. */
FALLIBLE demo_start_server(struct demo *demo);
/* SIGTERM, and in the end SIGKILL; fails unless it exits with 0. Nothing to do when it does not run. */
FALLIBLE demo_stop_server(struct demo *demo);
/* "build/musterd", or the full path when the program is not below the working folder; `name` lies beside this one. */
const char *demo_program(void *ctx, const char *name);

FALLIBLE demo_set_up(struct demo *demo);
FALLIBLE demo_check_things(struct demo *demo); /* the API lists the fleet, and nothing else */

FALLIBLE demo_run_fleet(struct demo *demo);
void demo_print_fleet(const struct demo *demo);

FALLIBLE demo_check_claim(struct demo *demo);

/* Preloaded into Debian's gtlsclient, which offers "h3" and has no option for it: makes it offer the
   protocol name in $ALPN instead, so that a QUIC client which is not ours comes as far as its certificate. */

typedef struct { unsigned char *data; unsigned size; } gnutls_datum_t;
typedef int (*set_protocols)(void *, const gnutls_datum_t *, unsigned, unsigned);

extern void *dlsym(void *handle, const char *symbol);
extern char *getenv(const char *name);
extern unsigned long strlen(const char *text);

int gnutls_alpn_set_protocols(void *session, const gnutls_datum_t *protocols, unsigned count, unsigned flags)
{
    void *next = (void *)-1l; /* RTLD_NEXT */
    set_protocols original = (set_protocols)dlsym(next, "gnutls_alpn_set_protocols");
    char *name = getenv("ALPN");
    gnutls_datum_t offered;

    if (!name)
        return original(session, protocols, count, flags);
    offered.data = (unsigned char *)name;
    offered.size = (unsigned)strlen(name);
    return original(session, &offered, 1, flags);
}

/* Preloaded into Debian's gtlsclient, a QUIC client that speaks HTTP/3 and nothing else. It would leave before
   it shows its certificate, because the daemon offers neither "h3" nor streams for it. This makes it offer the
   protocol name in $ALPN, and believe that it has the three streams it wants; what it writes to them goes nowhere.
   Handshake, TLS and packets stay its own. Compiled with: tcc -shared -nostdlib */

typedef struct { unsigned char *data; unsigned size; } gnutls_datum_t;

extern void *dlsym(void *handle, const char *symbol);
extern char *getenv(const char *name);
extern unsigned long strlen(const char *text);

static void *original(const char *symbol)
{
    return dlsym((void *)-1l /* RTLD_NEXT */, symbol);
}

int gnutls_alpn_set_protocols(void *session, const gnutls_datum_t *protocols, unsigned count, unsigned flags)
{
    int (*next)(void *, const gnutls_datum_t *, unsigned, unsigned) = original("gnutls_alpn_set_protocols");
    char *name = getenv("ALPN");
    gnutls_datum_t offered;

    if (!name)
        return next(session, protocols, count, flags);
    offered.data = (unsigned char *)name;
    offered.size = (unsigned)strlen(name);
    return next(session, &offered, 1, flags);
}

unsigned long ngtcp2_conn_get_streams_uni_left(void *conn)
{
    return 3;
}

int ngtcp2_conn_open_uni_stream(void *conn, long *stream_id, void *user_data)
{
    static long next_id = 2; /* RFC 9000, section 2.1: 2, 6, 10 are the client's own one-way streams. */

    *stream_id = next_id;
    next_id += 4;
    return 0;
}

long ngtcp2_conn_writev_stream_versioned(
    void *conn, void *path, int version, void *info, unsigned char *packet, unsigned long size, long *written,
    unsigned flags, long stream_id, const void *data, unsigned long count, unsigned long now)
{
    long (*next)(void *, void *, int, void *, unsigned char *, unsigned long, long *, unsigned, long, const void *,
        unsigned long, unsigned long) = original("ngtcp2_conn_writev_stream_versioned");

    if (stream_id != -1 && (stream_id & 3) == 2) { /* invented above: write the handshake, no stream data */
        stream_id = -1;
        data = 0;
        count = 0;
        flags = 0;
    }
    return next(conn, path, version, info, packet, size, written, flags, stream_id, data, count, now);
}

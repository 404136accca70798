#include <zlib.h>

// The initialisers are macros, which Swift does not import.
static inline int CZlib_deflate_init(z_stream *stream, int level) {
    return deflateInit(stream, level);
}
static inline int CZlib_inflate_init(z_stream *stream) { return inflateInit(stream); }

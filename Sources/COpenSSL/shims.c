#include "COpenSSL.h"
#include <string.h>

void COpenSSL_BIO_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
void COpenSSL_BIO_set_retry_write(BIO *bio) { BIO_set_retry_write(bio); }
void COpenSSL_BIO_clear_retry_flags(BIO *bio) { BIO_clear_retry_flags(bio); }

int COpenSSL_CTX_set_tls13_only(SSL_CTX *context) {
    return SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
}

void COpenSSL_CTX_set_modes(SSL_CTX *context) {
    SSL_CTX_set_mode(
        context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE
                     | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_quiet_shutdown(context, 1);
}

int COpenSSL_error_reason(unsigned long error) { return ERR_GET_REASON(error); }

int COpenSSL_CTX_set1_groups_list(SSL_CTX *context, const char *list) {
    return (int)SSL_CTX_set1_groups_list(context, list);
}

int COpenSSL_first_uri(X509 *certificate, char *buffer, size_t capacity) {
    GENERAL_NAMES *names =
        X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    if (names == NULL) return -1;
    int count = 0;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_URI) continue;
        const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
        size_t length = (size_t)ASN1_STRING_length(uri);
        const unsigned char *bytes = ASN1_STRING_get0_data(uri);
        if (count == 0) {
            if (length >= capacity || memchr(bytes, 0, length) != NULL) {
                GENERAL_NAMES_free(names);
                return -1;
            }
            memcpy(buffer, bytes, length);
            buffer[length] = 0;
        }
        count += 1;
    }
    GENERAL_NAMES_free(names);
    return count;
}

void COpenSSL_CTX_disable_session_cache(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

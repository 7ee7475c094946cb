/* libFuzzer's entry for one target: compiled once for each, with -DTARGET=fuzz_NAME. */
#include "targets.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    TARGET(bytes, len);
    return 0;
}

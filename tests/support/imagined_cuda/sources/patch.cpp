// A function of a loaded library is made to jump to another: CuPy's wheel has CUDA's runtime within itself.
#include "imagined.h"

#include <sys/mman.h>

#include <cstring>

namespace {
constexpr size_t PAGE = 4096;
// x86-64: movabs rdi, name; movabs r11, target; jmp r11. rdi is the first argument; without a name it stays.
constexpr unsigned char NAME[] = {0x48, 0xBF}, TARGET[] = {0x49, 0xBB}, JUMP[] = {0x41, 0xFF, 0xE3};
}  // namespace

// name : what `target` is called with, or null for what the caller gives. Returns whether it failed.
EXPORT int imagined_patch(unsigned char* place, const void* target, const char* name) {
    auto* first = (unsigned char*)((size_t)place / PAGE * PAGE);
    if (mprotect(first, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC)) return 1;
    auto write = [&place](const void* bytes, size_t count) {
        memcpy(place, bytes, count);
        place += count;
    };
    if (name) write(NAME, sizeof NAME), write(&name, sizeof name);
    write(TARGET, sizeof TARGET), write(&target, sizeof target), write(JUMP, sizeof JUMP);
    return mprotect(first, 2 * PAGE, PROT_READ | PROT_EXEC);
}

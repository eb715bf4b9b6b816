#include "runtime/init_image.h"

// The build gives the path of the linked program; the assembler puts its bytes here.
asm(".section .rodata\n"
    ".balign 16\n"
    ".globl berth_init_begin\nberth_init_begin:\n"
    ".incbin \"" BERTH_INIT_IMAGE
    "\"\n"
    ".globl berth_init_end\nberth_init_end:\n"
    ".byte 0\n"
    ".previous\n");

extern "C" const char berth_init_begin[];
extern "C" const char berth_init_end[];

namespace berth::runtime {

std::string_view init_image() {
  return {berth_init_begin, static_cast<size_t>(berth_init_end - berth_init_begin)};
}

}  // namespace berth::runtime

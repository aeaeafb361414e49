// NVRTC: whoever installs this says what compiles. A program's "code" is the path of a library.
#include "imagined.h"

#include <nvrtc.h>

#include <cstring>

namespace imagined {

namespace {
struct Program {
    std::string source, log, code;
};
// Writes a path, or what is wrong, into `out`; returns whether it failed.
using Compiler = int (*)(const char* source, const char* options, char* out, size_t room);
Compiler compiler_;
constexpr size_t ROOM = 1 << 16;

Program* of(nvrtcProgram handle) { return (Program*)handle; }
nvrtcResult tell(const std::string& text, size_t* nbytes) { return *nbytes = text.size() + 1, NVRTC_SUCCESS; }
nvrtcResult tell(const std::string& text, char* out) { return strcpy(out, text.c_str()), NVRTC_SUCCESS; }
}  // namespace

EXPORT void imagined_compiler(Compiler compiler) { compiler_ = compiler; }

#define NVRTC(name) EXPORT nvrtcResult imagined_##name
NVRTC(nvrtcVersion)(int* major, int* minor) { return *major = CUDA_VERSION / 1000, *minor = 0, NVRTC_SUCCESS; }
NVRTC(nvrtcCreateProgram)(nvrtcProgram* out, const char* source, const char*, int, const char* const*,
                          const char* const*) {
    return *out = (nvrtcProgram) new Program{source, "", ""}, NVRTC_SUCCESS;
}
NVRTC(nvrtcDestroyProgram)(nvrtcProgram* program) { return delete of(*program), NVRTC_SUCCESS; }
NVRTC(nvrtcCompileProgram)(nvrtcProgram handle, int count, const char* const* options) {
    Program* program = of(handle);
    std::string lines;
    for (int i = 0; i < count; i++) lines += std::string(options[i]) + "\n";
    std::vector<char> out(ROOM);
    bool failed = compiler_(program->source.c_str(), lines.c_str(), out.data(), out.size());
    (failed ? program->log : program->code) = std::string(failed ? "" : "imagined:") + out.data();
    return failed ? NVRTC_ERROR_COMPILATION : NVRTC_SUCCESS;
}
NVRTC(nvrtcGetPTXSize)(nvrtcProgram program, size_t* nbytes) { return tell(of(program)->code, nbytes); }
NVRTC(nvrtcGetPTX)(nvrtcProgram program, char* out) { return tell(of(program)->code, out); }
NVRTC(nvrtcGetCUBINSize)(nvrtcProgram program, size_t* nbytes) { return tell(of(program)->code, nbytes); }
NVRTC(nvrtcGetCUBIN)(nvrtcProgram program, char* out) { return tell(of(program)->code, out); }
NVRTC(nvrtcGetProgramLogSize)(nvrtcProgram program, size_t* nbytes) { return tell(of(program)->log, nbytes); }
NVRTC(nvrtcGetProgramLog)(nvrtcProgram program, char* out) { return tell(of(program)->log, out); }
NVRTC(nvrtcAddNameExpression)(nvrtcProgram, const char*) { return NVRTC_SUCCESS; }
NVRTC(nvrtcGetLoweredName)(nvrtcProgram, const char* name, const char** out) { return *out = name, NVRTC_SUCCESS; }

}  // namespace imagined

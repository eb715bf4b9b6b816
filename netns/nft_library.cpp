#include "netns/nft_library.h"

#include <dlfcn.h>
#include <nftables/libnftables.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "base/text.h"

namespace berth::netns {
namespace {

constexpr const char* kLibrary = "libnftables.so.1";

template <class Function>
bool bind_symbol(void* library, const char* name, Function*& out) {
  out = reinterpret_cast<Function*>(dlsym(library, name));
  return out != nullptr;
}

/// The errno behind an error text: libnftables passes it on in words only, and leaves `errno` as the last call set it.
int code_in(std::string_view words) {
  for (const int code :
       {ENOENT, EEXIST, EBUSY, EPERM, EINVAL, EOPNOTSUPP, EPROTONOSUPPORT, EAFNOSUPPORT, ENOMEM, ENOSPC}) {
    if (words.find(strerrordesc_np(code)) != std::string_view::npos) return code;
  }
  return 0;
}

}  // namespace

struct NftLibrary::Impl {
  decltype(nft_ctx_new)* make = nullptr;
  decltype(nft_ctx_free)* free = nullptr;
  decltype(nft_ctx_buffer_output)* buffer_output = nullptr;
  decltype(nft_ctx_buffer_error)* buffer_error = nullptr;
  decltype(nft_ctx_get_output_buffer)* output = nullptr;
  decltype(nft_ctx_get_error_buffer)* error = nullptr;
  decltype(nft_ctx_output_set_flags)* set_flags = nullptr;
  decltype(nft_run_cmd_from_buffer)* run = nullptr;
  nft_ctx* context = nullptr;

  ~Impl() {
    if (context != nullptr) free(context);
  }

  bool bind_all(void* library) {
    return bind_symbol(library, "nft_ctx_new", make) && bind_symbol(library, "nft_ctx_free", free) &&
           bind_symbol(library, "nft_ctx_buffer_output", buffer_output) &&
           bind_symbol(library, "nft_ctx_buffer_error", buffer_error) &&
           bind_symbol(library, "nft_ctx_get_output_buffer", output) &&
           bind_symbol(library, "nft_ctx_get_error_buffer", error) &&
           bind_symbol(library, "nft_ctx_output_set_flags", set_flags) &&
           bind_symbol(library, "nft_run_cmd_from_buffer", run);
  }
};

NftLibrary::NftLibrary(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
NftLibrary::~NftLibrary() = default;
NftLibrary::NftLibrary(NftLibrary&&) noexcept = default;
NftLibrary& NftLibrary::operator=(NftLibrary&&) noexcept = default;

Result<NftLibrary> NftLibrary::load() {
  // Never unloaded: it would take its atexit handlers' code away.
  void* library = dlopen(kLibrary, RTLD_NOW | RTLD_LOCAL);
  auto impl = std::make_unique<Impl>();
  if (library == nullptr || !impl->bind_all(library)) {
    Error error = sys_error(fmt::format("load {}", kLibrary), ELIBACC);
    error.hint = "install libnftables1";
    return error;
  }
  impl->context = impl->make(NFT_CTX_DEFAULT);
  if (impl->context == nullptr) return make_error("prepare libnftables");
  impl->buffer_output(impl->context);
  impl->buffer_error(impl->context);
  return NftLibrary(std::move(impl));
}

Status NftLibrary::run(const std::string& commands) {
  if (impl_->run(impl_->context, commands.c_str()) == 0) return {};
  // The first line says what; the rest quotes our own text back at us.
  const std::string all(impl_->error(impl_->context));
  const std::string_view words = trim(std::string_view(all).substr(0, all.find('\n')));
  return sys_error(fmt::format("change nftables rules ({})", words), code_in(words));
}

Result<std::string> NftLibrary::query(const std::string& commands) {
  impl_->set_flags(impl_->context, NFT_CTX_OUTPUT_JSON);
  Status status = run(commands);
  std::string text = impl_->output(impl_->context);
  impl_->set_flags(impl_->context, 0);
  BERTH_TRY_OK(std::move(status));
  return text;
}

}  // namespace berth::netns

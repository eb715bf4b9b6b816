#include "builder/unpack.h"

#include <unistd.h>

#include <cerrno>

#include "images/decompress.h"
#include "images/tar_reader.h"
#include "images/unpack_process.h"

namespace berth::builder {

bool is_archive(sys::FdRef file) {
  images::Decompressor plain(images::read_blob_from(file, "the archive"));
  images::TarReader reader([&] { return plain.read(); });
  images::TarEntry first;
  Result<bool> any = reader.next(first);
  return lseek(file.get(), 0, SEEK_SET) == 0 && any && *any;
}

Status unpack_archive(sys::FdRef file, const std::string& directory) {
  BERTH_TRY(images::UnpackProcess process, images::UnpackProcess::start(directory, {}));
  images::Decompressor plain(images::read_blob_from(file, "the archive"));
  for (;;) {
    BERTH_TRY(std::string_view bytes, plain.read());
    if (bytes.empty()) break;
    BERTH_TRY_OK(process.send(bytes));
  }
  BERTH_TRY(images::UnpackResult unpacked, process.finish());
  static_cast<void>(unpacked);  // its notes are of devices, which no step would copy
  return {};
}

}  // namespace berth::builder

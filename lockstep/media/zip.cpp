#include "lockstep/media/zip.h"

#include <fcntl.h>
#include <unistd.h>
#include <zip.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "lockstep/base/error.h"
#include "lockstep/base/faults.h"
#include "lockstep/base/files.h"
#include "lockstep/base/text.h"

namespace lockstep::media {
namespace {

/// 1980-01-01 00:00 in the words of the format.
constexpr std::uint16_t kFirstDay = (1U << 5U) | 1U;
constexpr std::uint16_t kMidnight = 0;

}  // namespace

struct ZipWriter::State {
  std::filesystem::path path;
  std::filesystem::path aside;
  std::vector<std::vector<std::byte>> contents;  ///< of members; they are read when the archive is written
  zip_t* archive = nullptr;

  MachineError cannot_write(const std::string& why) const {
    return {text("cannot write '", aside.string(), "': ", why), "free some disk space, or choose another folder"};
  }

  void add(const std::string& name, zip_source_t* source, ZipMethod method) {
    if (source == nullptr) {
      throw cannot_write(zip_strerror(archive));
    }
    const zip_int64_t index = zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      LOCKSTEP_ASSERT(zip_error_code_zip(zip_get_error(archive)) != ZIP_ER_EXISTS, "two members have one name");
      throw cannot_write(zip_strerror(archive));
    }
    const auto member = static_cast<zip_uint64_t>(index);
    const zip_int32_t coding = method == ZipMethod::kStore ? ZIP_CM_STORE : ZIP_CM_DEFLATE;
    if (zip_set_file_compression(archive, member, coding, 0) != 0 ||
        zip_file_set_dostime(archive, member, kMidnight, kFirstDay, 0) != 0) {
      throw cannot_write(zip_strerror(archive));
    }
  }

  /// Flushes what lies aside to the disk and gives it its name.
  void rename() const {
    const int file = ::open(aside.c_str(), O_RDONLY | O_CLOEXEC);
    const bool flushed = file >= 0 && ::fsync(file) == 0;
    const int error = errno;
    ::close(file);
    if (!flushed || writes_fail()) {
      throw cannot_write(std::strerror(flushed ? ENOSPC : error));
    }
    std::error_code failed;
    std::filesystem::rename(aside, path, failed);
    if (failed) {
      throw cannot_write(failed.message());
    }
    flush_directory(path.parent_path());
  }
};

ZipWriter::ZipWriter(std::filesystem::path path) : state_(std::make_unique<State>()) {
  state_->path = std::move(path);
  state_->aside = state_->path;
  state_->aside += text(".", ::getpid(), kPartialSuffix);
  int error = 0;
  state_->archive = zip_open(state_->aside.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error);
  if (state_->archive == nullptr) {
    zip_error_t words;
    zip_error_init_with_code(&words, error);
    const MachineError failure = state_->cannot_write(zip_error_strerror(&words));
    zip_error_fini(&words);
    throw failure;
  }
}

ZipWriter::~ZipWriter() {
  if (state_->archive != nullptr) {
    zip_discard(state_->archive);
  }
  std::error_code ignored;
  std::filesystem::remove(state_->aside, ignored);
}

void ZipWriter::add_file(const std::string& name, const std::filesystem::path& file, ZipMethod method) {
  InputFile readable(file);  // says what is wrong with it, as libzip does not
  state_->add(name, zip_source_file(state_->archive, file.c_str(), 0, static_cast<zip_int64_t>(readable.size())),
              method);
}

void ZipWriter::add_bytes(const std::string& name, std::vector<std::byte> bytes, ZipMethod method) {
  const std::vector<std::byte>& content = state_->contents.emplace_back(std::move(bytes));
  state_->add(name, zip_source_buffer(state_->archive, content.data(), content.size(), 0), method);
}

void ZipWriter::commit() {
  LOCKSTEP_ASSERT(zip_get_num_entries(state_->archive, 0) > 0, "an archive without members");
  if (zip_close(state_->archive) != 0) {
    throw state_->cannot_write(zip_strerror(state_->archive));
  }
  state_->archive = nullptr;
  state_->rename();
}

}  // namespace lockstep::media

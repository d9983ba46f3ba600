#pragma once

#include <filesystem>

/// Folders that are there whole or not at all, whenever the program is killed.
namespace lockstep::checkpoint {

/// Throws MachineError where it cannot be done.
void rename_folder(const std::filesystem::path& from, const std::filesystem::path& to);

/// With all that is in it, as far as that can be removed.
void remove_folder(const std::filesystem::path& folder);

/// Removes a snapshot that nothing names. It loses its name first: killed in the middle of it, the program leaves what
/// remove_half_written() removes, and nothing that looks like a damaged snapshot.
void remove_snapshot(const std::filesystem::path& snapshot);

/// Puts a whole folder in the place of another one, in one move where the system can. Throws MachineError.
void put_in_place_of(const std::filesystem::path& folder, const std::filesystem::path& whole);

/// Gives a file another name, too, or else makes a copy. Throws MachineError.
void link_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// Gives the snapshots in a folder their names back that a killed program was about to replace. Throws MachineError.
void take_back_replaced(const std::filesystem::path& folder);

/// Removes what a killed program was writing into a folder: files, and snapshots of which they were.
void remove_half_written(const std::filesystem::path& folder);

}  // namespace lockstep::checkpoint

// The portable potential file: named words and numbers (pipeline/lammps/potential.py), all of them
// known and in their ranges (potential_entries.h). Not LAMMPS's PotentialFileReader, which knows
// neither checksum nor ranges, and no file without LAMMPS.
#ifndef METRIPLECTIC_POTENTIAL_FILE_H
#define METRIPLECTIC_POTENTIAL_FILE_H

#include <map>
#include <string>
#include <vector>

namespace metriplectic {

class PotentialFile {
 public:
  // text: the whole file; path: for messages. Throws std::runtime_error with a sentence.
  PotentialFile(const std::string &text, const std::string &path);

  bool has(const std::string &name) const;
  const std::string &word(const std::string &name) const;
  double number(const std::string &name) const;
  const std::vector<double> &numbers(const std::string &name) const;

 private:
  std::string path;
  std::map<std::string, std::string> words;
  std::map<std::string, std::vector<double>> arrays;

  void parse(const std::string &text, std::size_t place);
  [[noreturn]] void refuse(const std::string &what) const;

  friend class EntryCheck;
};

}    // namespace metriplectic

#endif

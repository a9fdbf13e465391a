// The recorded path is a LAMMPS dump with the columns id x y z vx vy vz, unwrapped, sorted by id.
#include "fix_metriplectic_lead.h"
#include "pair_metriplectic.h"
#include "potential_entries.h"
#include "strict.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "modify.h"
#include "update.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

using namespace LAMMPS_NS;
using namespace FixConst;
using namespace metriplectic;

namespace {

constexpr int COLUMNS = 6;
const std::string HEAD = "ITEM: ATOMS id x y z vx vy vz";

const Entry &entry(const std::string &name)
{
  return *std::find_if(std::begin(PATH_ENTRIES), std::end(PATH_ENTRIES),
                       [&name](const Entry &row) { return name == row.name; });
}
const Entry &STEP = entry("step"), &ATOMS = entry("atoms"), &ID = entry("id"),
            &POSITION = entry("position"), &VELOCITY = entry("velocity");

// A number in the range of its entry, of which `at` is moved behind.
double take(const char *&at, const Entry &entry)
{
  const std::string token(at, std::strcspn(at, " "));
  double value;
  const bool whole = std::string(entry.kind) == "whole";
  if (!take_real(at, value) || (*at && *at != ' '))
    throw std::runtime_error("has " + std::string(entry.name) + " = " + shown(token) +
                             ", which is not a finite number");
  if (!(value >= entry.low && value <= entry.high) || (whole && value != std::floor(value)))
    throw std::runtime_error("has " + std::string(entry.name) + " = " + shown(value) + ", which must be " +
                             (whole ? "a whole number " : "") + "from " + shown(entry.low) + " to " +
                             shown(entry.high) + " (" + entry.meaning + ")");
  return value;
}

// A line of one whole number.
double alone(const std::string &line, const Entry &entry)
{
  const char *at = line.c_str();
  const double value = take(at, entry);
  if (*at) throw std::runtime_error("has the line " + shown(line) + " where " + entry.name + " alone is due");
  return value;
}

}    // namespace

FixMetriplecticLead::FixMetriplecticLead(LAMMPS *lmp, int narg, char **arg) : Fix(lmp, narg, arg)
{
  if (narg != 4) error->all(FLERR, "Expected: fix <ID> <group> metriplectic/lead <file>");
  path = arg[3];
  if (comm->me == 0) {
    stream.open(path);
    if (!stream) error->one(FLERR, "The path {} cannot be opened", path);
    Snapshot last;
    for (Snapshot next = parsed(last); next.step >= 0; next = parsed(last)) last = std::move(next);
    if (last.step < 0) error->one(FLERR, "The path {} holds no snapshot", path);
    stream.clear();
    stream.seekg(0);
  }
  time_integrate = 1;
  after = read();
}

int FixMetriplecticLead::setmask() { return INITIAL_INTEGRATE; }

// The heats of a step need the velocities after it, those of driven particles included.
void FixMetriplecticLead::init()
{
  for (const auto &fix : modify->get_fix_list()) {
    if (fix == this) return;
    if (std::strcmp(fix->style, "metriplectic") == 0)
      error->all(FLERR, "Fix metriplectic/lead must come before fix metriplectic: exchange the two lines");
  }
}

// Equal parts of the way to the next snapshot; the velocity recorded with it belongs to the last.
void FixMetriplecticLead::initial_integrate(int)
{
  const bigint step = update->ntimestep;
  advance(step);
  const double share = 1.0 / double(after.step - before.step), per_dt = 1.0 / update->dt;
  const bool arrives = step == after.step;
  const double h = force->pair ? force->pair->cutforce : 1.0;
  double **x = atom->x, **v = atom->v;
  for (int i = 0; i < atom->nlocal; ++i) {
    if (!(atom->mask[i] & groupbit)) continue;
    const std::size_t k = row(atom->tag[i]);
    const double *from = &before.rows[k * COLUMNS], *to = &after.rows[k * COLUMNS];
    const double way[3] = {share * (to[0] - from[0]), share * (to[1] - from[1]), share * (to[2] - from[2])};
    if (too_far(*domain, h, way))
      error->one(FLERR,
                 "The path {} moves particle {} by {} {} {} in step {}, out of all bounds: write it again",
                 path, atom->tag[i], way[0], way[1], way[2], step);
    for (int a = 0; a < 3; ++a) {
      x[i][a] += way[a];
      v[i][a] = arrives ? to[3 + a] : per_dt * way[a];
    }
  }
}

// Reads on until the step lies between the snapshots `before` and `after`.
void FixMetriplecticLead::advance(bigint step)
{
  while (after.step < step || before.step < 0) {
    before = std::move(after);
    after = read();
    if (after.step < 0 || before.step >= step)
      error->all(FLERR, "The path {} ends or begins at step {}, and step {} was asked for: run fewer steps",
                 path, before.step, step);
  }
}

// The next snapshot on all ranks, or the step -1 where the file ends.
FixMetriplecticLead::Snapshot FixMetriplecticLead::read()
{
  Snapshot next;
  if (comm->me == 0) next = parsed(before);
  bigint head[2] = {next.step, bigint(next.tag.size())};
  MPI_Bcast(head, 2, MPI_LMP_BIGINT, 0, world);
  next.step = head[0];
  next.tag.resize(head[1]);
  next.rows.resize(head[1] * COLUMNS);
  MPI_Bcast(next.tag.data(), int(next.tag.size()), MPI_LMP_TAGINT, 0, world);
  MPI_Bcast(next.rows.data(), int(next.rows.size()), MPI_DOUBLE, 0, world);
  return next;
}

// The next snapshot of the file, or the step -1 where it ends. All of it is read once before the run, so
// that a run does not end for a line that comes late.
FixMetriplecticLead::Snapshot FixMetriplecticLead::parsed(const Snapshot &last)
{
  Snapshot next;
  try {
    parse(next);
    if (next.step >= 0 && next.step <= last.step) throw std::runtime_error("goes back in time");
    if (next.step >= 0 && last.step >= 0 && next.tag != last.tag)
      throw std::runtime_error("has other particles than before");
  } catch (const std::runtime_error &problem) {
    error->one(FLERR, "The path {} {}, after its step {}: write it again", path, problem.what(), last.step);
  }
  return next;
}

void FixMetriplecticLead::parse(Snapshot &next)
{
  std::string line;
  const auto due = [&](const std::string &head) {
    if (!std::getline(stream, line)) throw std::runtime_error("was cut short");
    if (line.compare(0, head.size(), head) != 0)
      throw std::runtime_error("has the line " + shown(line) + " where " + shown(head) + " is due");
  };
  if (stream.peek() == std::ifstream::traits_type::eof()) return;
  due("ITEM: TIMESTEP");
  due("");
  const bigint step = bigint(alone(line, STEP));
  due("ITEM: NUMBER OF ATOMS");
  due("");
  const std::size_t count = std::size_t(alone(line, ATOMS));
  due("ITEM: BOX BOUNDS");
  for (int k = 0; k < 3; ++k) due("");
  due(HEAD);
  while (next.tag.size() < count) {
    due("");
    const char *at = line.c_str();
    const tagint tag = tagint(take(at, ID));
    if (!next.tag.empty() && tag <= next.tag.back())
      throw std::runtime_error("must be sorted by id, each once: dump_modify sort id");
    next.tag.push_back(tag);
    for (int a = 0; a < COLUMNS; ++a) {
      if (*at == ' ') ++at;
      next.rows.push_back(take(at, a < 3 ? POSITION : VELOCITY));
      if (a % 3 == domain->dimension && next.rows.back() != 0.0)
        throw std::runtime_error("leads particle " + std::to_string(tag) + " out of the plane");
    }
    while (*at == ' ') ++at;
    if (at != line.c_str() + line.size())
      throw std::runtime_error("has the line " + shown(line) + " of more than " + shown(HEAD.substr(12)));
  }
  next.step = step;
}

std::size_t FixMetriplecticLead::row(tagint tag) const
{
  const auto found = std::lower_bound(after.tag.begin(), after.tag.end(), tag);
  if (found == after.tag.end() || *found != tag)
    error->one(FLERR, "The path {} lacks particle {}", path, tag);
  return found - after.tag.begin();
}

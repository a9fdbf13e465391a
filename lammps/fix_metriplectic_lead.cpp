// The recorded path is a LAMMPS dump with the columns id x y z vx vy vz, unwrapped, sorted by id.
#include "fix_metriplectic_lead.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "modify.h"
#include "update.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>

using namespace LAMMPS_NS;
using namespace FixConst;

namespace {
constexpr int COLUMNS = 6;
}

FixMetriplecticLead::FixMetriplecticLead(LAMMPS *lmp, int narg, char **arg) : Fix(lmp, narg, arg)
{
  if (narg != 4) error->all(FLERR, "Expected: fix <ID> <group> metriplectic/lead <file>");
  path = arg[3];
  if (comm->me == 0) stream.open(path);
  time_integrate = 1;
  after = read();
  if (after.step < 0) error->all(FLERR, "The path {} holds no snapshot or cannot be opened", path);
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
  double **x = atom->x, **v = atom->v;
  for (int i = 0; i < atom->nlocal; ++i) {
    if (!(atom->mask[i] & groupbit)) continue;
    const std::size_t k = row(atom->tag[i]);
    const double *from = &before.rows[k * COLUMNS], *to = &after.rows[k * COLUMNS];
    for (int a = 0; a < 3; ++a) {
      const double way = share * (to[a] - from[a]);
      x[i][a] += way;
      v[i][a] = arrives ? to[3 + a] : per_dt * way;
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
    if (after.tag != before.tag)
      error->all(FLERR, "The path {} has other particles at step {} than before", path, after.step);
  }
}

// The next snapshot on all ranks, or the step -1 where the file ends.
FixMetriplecticLead::Snapshot FixMetriplecticLead::read()
{
  Snapshot next;
  if (comm->me == 0) {
    try {
      parse(next);
    } catch (const std::runtime_error &problem) {
      error->one(FLERR, "The path {} {}", path, problem.what());
    }
  }
  bigint head[2] = {next.step, bigint(next.tag.size())};
  MPI_Bcast(head, 2, MPI_LMP_BIGINT, 0, world);
  next.step = head[0];
  next.tag.resize(head[1]);
  next.rows.resize(head[1] * COLUMNS);
  MPI_Bcast(next.tag.data(), int(next.tag.size()), MPI_LMP_TAGINT, 0, world);
  MPI_Bcast(next.rows.data(), int(next.rows.size()), MPI_DOUBLE, 0, world);
  return next;
}

void FixMetriplecticLead::parse(Snapshot &next)
{
  std::string line;
  const auto skip = [&](int lines) {
    for (int k = 0; k < lines; ++k) std::getline(stream, line);
  };
  skip(1);
  if (!stream) return;
  if (line != "ITEM: TIMESTEP") throw std::runtime_error("is not a LAMMPS dump");
  std::size_t count = 0;
  bigint step = -1;
  stream >> step;
  skip(2);
  stream >> count;
  skip(6);
  if (line != "ITEM: ATOMS id x y z vx vy vz")
    throw std::runtime_error("must have the columns id x y z vx vy vz");
  next.tag.resize(count);
  next.rows.resize(count * COLUMNS);
  for (std::size_t k = 0; k < count; ++k) {
    stream >> next.tag[k];
    for (int a = 0; a < COLUMNS; ++a) stream >> next.rows[k * COLUMNS + a];
  }
  if (!stream) throw std::runtime_error("was cut short");
  if (!std::is_sorted(next.tag.begin(), next.tag.end()))
    throw std::runtime_error("must be sorted by id: dump_modify sort id");
  stream.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  next.step = step;
}

std::size_t FixMetriplecticLead::row(tagint tag) const
{
  const auto found = std::lower_bound(after.tag.begin(), after.tag.end(), tag);
  if (found == after.tag.end() || *found != tag)
    error->one(FLERR, "The path {} lacks particle {}", path, tag);
  return found - after.tag.begin();
}

// Messages between ranks, and what pair_style metriplectic says of itself.
#include "images.h"
#include "pair_metriplectic.h"

#include "atom.h"
#include "comm.h"
#include "error.h"

#include <algorithm>

using namespace LAMMPS_NS;
using namespace metriplectic;

int PairMetriplectic::pack_forward_comm(int n, int *which, double *buf, int pbc_flag, int *pbc)
{
  if (message == Message::STRENGTH) {
    for (int k = 0; k < n; ++k) buf[k] = strength[which[k]];
    return n;
  }
  if (message == Message::SLIDING) {
    for (int k = 0; k < n; ++k, buf += 3) {
      Vector u = sliding[which[k]];
      if (pbc_flag) u = u + image_velocity(*domain, pbc, atom->mask[which[k]]);
      buf[0] = u.x, buf[1] = u.y, buf[2] = u.z;
    }
    return 3 * n;
  }
  if (message == Message::STRESS) {
    for (int k = 0; k < n; ++k, buf += 9)
      std::copy_n(&elastic[which[k]].stress.at[0][0], 9, buf);
    return 9 * n;
  }
  for (int k = 0; k < n; ++k, buf += 4) {
    const Fields &at = fields[which[k]];
    buf[0] = at.T, buf[1] = at.V, buf[2] = at.pressure, buf[3] = at.dTdS;
  }
  return 4 * n;
}

void PairMetriplectic::unpack_forward_comm(int n, int first, double *buf)
{
  if (message == Message::STRENGTH) {
    std::copy(buf, buf + n, strength.begin() + first);
    return;
  }
  if (message == Message::SLIDING) {
    for (int i = first; i < first + n; ++i, buf += 3) sliding[i] = {buf[0], buf[1], buf[2]};
    return;
  }
  if (message == Message::STRESS) {
    for (int i = first; i < first + n; ++i, buf += 9)
      std::copy_n(buf, 9, &elastic[i].stress.at[0][0]);
    return;
  }
  for (int i = first; i < first + n; ++i, buf += 4) {
    Fields &at = fields[i];
    at.T = buf[0], at.V = buf[1], at.pressure = buf[2], at.dTdS = buf[3];
  }
}

int PairMetriplectic::pack_reverse_comm(int n, int first, double *buf)
{
  std::copy(density.begin() + first, density.begin() + first + n, buf);
  return n;
}

void PairMetriplectic::unpack_reverse_comm(int n, int *which, double *buf)
{
  for (int k = 0; k < n; ++k) density[which[k]] += buf[k];
}

double PairMetriplectic::outside() const
{
  const auto count = [](const auto &closure) { return double(closure.outside()); };
  return std::visit(count, energy) + std::visit(count, friction);
}

// Networks evaluated beyond their tables are exact but slow, and the model was not trained there.
void PairMetriplectic::finish()
{
  double own = outside(), all = 0.0;
  MPI_Allreduce(&own, &all, 1, MPI_DOUBLE, MPI_SUM, world);
  if (all > 0.0 && comm->me == 0)
    error->warning(FLERR, "{:.0f} evaluations of networks beyond the range of their tables so far", all);
}

double PairMetriplectic::memory_usage()
{
  return Pair::memory_usage() + double(pairs.i.capacity()) * (2 * sizeof(int) + 4 * sizeof(double)) +
      double(fields.capacity()) * (sizeof(Fields) + 3 * sizeof(double));
}

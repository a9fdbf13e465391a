// What fix metriplectic keeps account of from outside: driven particles, forces of other fixes, and a
// box that changes its shape.
#include "fix_metriplectic.h"
#include "images.h"
#include "pair_metriplectic.h"

#include "atom.h"
#include "domain.h"
#include "update.h"

#include <algorithm>

using namespace LAMMPS_NS;

// Heat that keeps a driven particle at its temperature: from the entropies that it has and would have
// had (pipeline/dynamics/boundary.py).
double FixMetriplectic::held_heat(int i, double change) const
{
  const auto &at = pair->fields[i];
  const double x = pair->heat[i] / at.T, left = x - 0.5 * (at.dTdS / at.T) * x * x;
  return at.T * (change - left) + 0.5 * at.dTdS * (change * change - left * left);
}

// What is not of the pairs: impulse J = f dt of forces that other fixes added, J = m v' - m v less the
// pairs' impulse for driven particles, work J.(v + v')/2 (pipeline/dynamics/boundary.py; paths must
// have r' = r + v' dt); and the work of the pairs on images, which move faster than the particles.
void FixMetriplectic::account()
{
  const double dt = update->dt, m = pair->mass();
  for (int i = 0; i < atom->nlocal; ++i) {
    const auto &v = pair->fields[i].v;
    const double before[3] = {v.x, v.y, v.z}, *after = atom->v[i], *f = atom->f[i];
    const bool free = atom->mask[i] & groupbit;
    for (int a = 0; a < 3; ++a) {
      const double own = inner[3 * i + a];
      const double J = free ? dt * (f[a] - own) : m * (after[a] - before[a]) - dt * own;
      give(a, J, before[a], after[a]);
    }
  }
  given[0] += dt * pair->sliding_power;
}

void FixMetriplectic::give(int axis, double J, double before, double after)
{
  given[0] += 0.5 * J * (before + after);
  given[1 + axis] += J;
}

// Fix deform gives the box the shape of a time at the end of the step that ends then, when forces have
// been computed. Particles have moved just now; their images are made in the box of the same time.
void FixMetriplectic::carry_box()
{
  if (!deform) return;
  advance_box();
  flips = deform->next_reneighbor == update->ntimestep;
  if (flips) wrap();    // fix deform is about to wrap particles, and takes no care of velocities
}

void FixMetriplectic::advance_box()
{
  const double dt = update->dt, *rate = domain->h_rate, *low = domain->h_ratelo;
  for (int a = 0; a < 3; ++a) {
    domain->boxlo[a] += dt * low[a];
    domain->boxhi[a] += dt * (low[a] + rate[a]);
  }
  domain->yz += dt * rate[3];
  domain->xz += dt * rate[4];
  domain->xy += dt * rate[5];
  domain->set_global_box();
  domain->set_local_box();
}

void FixMetriplectic::pre_exchange()
{
  if (!deform) return;
  if (flips) advance_box();    // fix deform has flipped the box of the step before
  flips = false;
  wrap();
}

// Particles that left the box come back with the velocity of their image: LAMMPS would do so itself,
// unaccounted.
void FixMetriplectic::wrap()
{
  const int n = atom->nlocal;
  if (!n) return;
  double **v = atom->v;
  scratch.assign(v[0], v[0] + 3 * n);
  if (domain->triclinic) domain->x2lamda(n);
  domain->pbc();
  if (domain->triclinic) domain->lamda2x(n);
  for (int i = 0; i < n; ++i)
    for (int a = 0; a < 3; ++a) {
      const double before = scratch[3 * i + a], J = pair->mass() * (v[i][a] - before);
      give(a, J, before, v[i][a]);
    }
}

// Velocities after the step; a periodic image in a deforming box has that of the flow besides.
int FixMetriplectic::pack_forward_comm(int n, int *which, double *buf, int pbc_flag, int *pbc)
{
  const bool slide = pbc_flag && domain->deform_vremap;
  for (int k = 0; k < n; ++k, buf += 3) {
    std::copy_n(atom->v[which[k]], 3, buf);
    if (!slide) continue;
    const metriplectic::Vector u = metriplectic::image_velocity(*domain, pbc, atom->mask[which[k]]);
    buf[0] += u.x, buf[1] += u.y, buf[2] += u.z;
  }
  return 3 * n;
}

void FixMetriplectic::unpack_forward_comm(int n, int first, double *buf)
{
  std::copy(buf, buf + 3 * n, atom->v[first]);
}

int FixMetriplectic::pack_reverse_comm(int n, int first, double *buf)
{
  std::copy(pair->heat.begin() + first, pair->heat.begin() + first + n, buf);
  return n;
}

void FixMetriplectic::unpack_reverse_comm(int n, int *which, double *buf)
{
  for (int k = 0; k < n; ++k) pair->heat[which[k]] += buf[k];
}

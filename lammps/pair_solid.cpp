// The elastic part of pair_style metriplectic: bonds of the undeformed configuration.
#include "pair_metriplectic.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"

using namespace LAMMPS_NS;
using namespace metriplectic;

// The image of the other end of a bond that is nearest to owned particle i.
int PairMetriplectic::other_end(int i, const ReferenceBond &bond) const
{
  const int j = atom->map(bond.other);
  if (j < 0)
    error->one(FLERR,
               "The bond of particles {} and {} reaches beyond the communication range {}: raise "
               "comm_modify cutoff",
               atom->tag[i], bond.other, comm->get_comm_cutoff());
  return domain->closest_image(i, j);
}

static Vector separation(double **x, int i, int j)
{
  return {x[i][0] - x[j][0], x[i][1] - x[j][1], x[i][2] - x[j][2]};
}

// Elastic energy and stress of every owned particle; stresses of ghosts.
void PairMetriplectic::set_strain()
{
  const double *S = entropies();
  elastic.resize(fields.size());
  for (int i = 0; i < atom->nlocal; ++i) {
    const int tag = atom->tag[i];
    if (tag > solid->size())
      error->one(FLERR, "Particle {} is not one of the {} of the undeformed solid", tag, solid->size());
    Neighbourhood sum;
    for (const ReferenceBond &bond : solid->bonds(tag))
      strain->add(bond, separation(atom->x, i, other_end(i, bond)), sum);
    elastic[i] = strain->energy(sum, solid->inverse(tag), S[i]);
  }
  message = Message::STRESS;
  comm->forward_comm(this);
}

// The forces of the bonds, each computed by the owner of its first end.
void PairMetriplectic::add_elastic_forces()
{
  for (int i = 0; i < atom->nlocal; ++i)
    for (const ReferenceBond &bond : solid->bonds(atom->tag[i])) {
      if (!bond.first) continue;
      const int j = other_end(i, bond);
      const Vector r_ij = separation(atom->x, i, j);
      const Vector f = strain->force(bond, r_ij, elastic[i].stress, elastic[j].stress);
      double *f_i = atom->f[i], *f_j = atom->f[j];
      f_i[0] += f.x, f_i[1] += f.y, f_i[2] += f.z;
      f_j[0] -= f.x, f_j[1] -= f.y, f_j[2] -= f.z;
      if (!sliding.empty()) sliding_power += dot(f, sliding[j]);
      if (vflag_atom)
        ev_tally_xyz(i, j, atom->nlocal, 1, 0.0, 0.0, f.x, f.y, f.z, r_ij.x, r_ij.y, r_ij.z);
    }
}

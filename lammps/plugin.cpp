// Registers pair_style metriplectic and fix metriplectic with the LAMMPS they were built for.
#include "fix_metriplectic.h"
#include "fix_metriplectic_lead.h"
#include "pair_metriplectic.h"

#include "error.h"
#include "lammps.h"

using namespace LAMMPS_NS;

// What LAMMPS expects of a plugin: its documented C interface (developer guide, "Writing plugins").
extern "C" {

typedef void *(lammpsplugin_factory1)(void *);
typedef void *(lammpsplugin_factory2)(void *, int, char **);

typedef struct {
  const char *version;    // of the LAMMPS it was built for
  const char *style;      // "pair", "fix", ...
  const char *name;       // as written in input scripts
  const char *info;
  const char *author;
  union {
    lammpsplugin_factory1 *v1;    // pair styles
    lammpsplugin_factory2 *v2;    // fixes
  } creator;
  void *handle;
} lammpsplugin_t;

typedef void (*lammpsplugin_regfunc)(lammpsplugin_t *, void *);

void lammpsplugin_init(void *lmp, void *handle, void *regfunc);
}

namespace {
void *make_pair(void *lmp) { return new PairMetriplectic(static_cast<LAMMPS *>(lmp)); }

void *make_fix(void *lmp, int narg, char **arg)
{
  return new FixMetriplectic(static_cast<LAMMPS *>(lmp), narg, arg);
}

void *make_lead(void *lmp, int narg, char **arg)
{
  return new FixMetriplecticLead(static_cast<LAMMPS *>(lmp), narg, arg);
}
}    // namespace

extern "C" int lammps_version(void *);

extern "C" void lammpsplugin_init(void *handle, void *library, void *regfunc)
{
  auto *lmp = static_cast<LAMMPS *>(handle);
  if (lammps_version(handle) != METRIPLECTIC_LAMMPS_VERSION)
    lmp->error->all(FLERR,
                    "The metriplectic plugin was built for LAMMPS {} and this is {}: build it again",
                    METRIPLECTIC_LAMMPS_VERSION, lammps_version(handle));
  const auto add = reinterpret_cast<lammpsplugin_regfunc>(regfunc);
  lammpsplugin_t plugin = {};
  plugin.version = lmp->version;
  plugin.author = "metriplex";
  plugin.handle = library;
  plugin.name = "metriplectic";
  plugin.style = "pair";
  plugin.info = "learned metriplectic particle dynamics: forces and heats";
  plugin.creator.v1 = make_pair;
  add(&plugin, lmp);
  plugin.style = "fix";
  plugin.info = "learned metriplectic particle dynamics: r, v, S integrator";
  plugin.creator.v2 = make_fix;
  add(&plugin, lmp);
  plugin.name = "metriplectic/lead";
  plugin.info = "driven particles along recorded paths";
  plugin.creator.v2 = make_lead;
  add(&plugin, lmp);
}

// What LAMMPS expects of a plugin: its documented C interface (developer guide, "Writing plugins").
#ifndef METRIPLECTIC_LAMMPSPLUGIN_H
#define METRIPLECTIC_LAMMPSPLUGIN_H

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

#endif

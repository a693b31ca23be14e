import { classInfo } from '../common/landmarks.js';
import { ContactSheet, type SheetPicture } from '../report/contact-sheet.js';
import { dataUri } from '../report/data-uri.js';
import { Figure } from '../report/figure.js';
import { renderPage, type Provenance } from '../report/page.js';
import { ScatterPlot } from '../report/scatter-plot.js';
import { Table } from '../report/table.js';
import type { Contradiction, GalleryDiagnosis, Suspect } from './diagnose.js';
import type { Gallery } from './gallery.js';
import type { MapPoint } from './umap.js';

export interface GalleryPageOptions {
  readonly diagnosis: GalleryDiagnosis;
  readonly map: readonly MapPoint[];
  readonly provenance?: Provenance;
}

/** Pictures shown; the tables and the JSON output have the rest. */
const MOST_SUSPECTS = 40;
const MOST_CONTRADICTIONS = 20;
const NEIGHBOURS_SHOWN = 4;

/** A page to find wrong labels by eye: the classes, the map, exemplars whose neighbours disagree, duplicates that contradict each other. */
export async function galleryPage(gallery: Gallery, { diagnosis, map, provenance = {} }: GalleryPageOptions): Promise<string> {
  const { classes, suspects, contradictions } = diagnosis;
  const shownSuspects = suspects.slice(0, MOST_SUSPECTS);
  const shownContradictions = contradictions.slice(0, MOST_CONTRADICTIONS);
  const picture = async (exemplar: number, similarity?: number): Promise<SheetPicture> => {
    const { label = '', path = '' } = gallery.exemplars[exemplar] ?? {};
    const jpeg = await gallery.thumbnail(exemplar);
    const lines = similarity === undefined ? [path] : [`similarity ${similarity.toFixed(3)}`, path];
    return { src: jpeg === null ? null : dataUri(jpeg), title: classInfo(label).name, lines };
  };
  const suspectRows = await Promise.all(
    shownSuspects.map(async (suspect) => ({
      suspect,
      pictures: [
        { ...(await picture(suspect.exemplar)), tone: 'warning' as const },
        ...(await Promise.all(
          suspect.neighbours.slice(0, NEIGHBOURS_SHOWN).map(({ exemplar, similarity }) => picture(exemplar, similarity)),
        )),
      ],
    })),
  );
  const contradictionRows = await Promise.all(
    shownContradictions.map(async (contradiction) => ({
      contradiction,
      pictures: await Promise.all(contradiction.exemplars.map((exemplar) => picture(exemplar))),
    })),
  );
  const { manifest } = gallery;
  return renderPage(
    {
      title: `Gallery ${gallery.name}`,
      subtitle: `${manifest.exemplars} exemplars of ${manifest.labels.length} classes, embedded with ${manifest.model.name}`,
      provenance: {
        ...provenance,
        details: { ...provenance.details, Model: `${manifest.model.name} ${manifest.model.fingerprint}`, Built: manifest.builtAt },
      },
    },
    <>
      <ClassTable classes={classes} fitted={diagnosis.fitted} />
      <Map gallery={gallery} map={map} suspects={suspects} />
      <section>
        <h2>Labels to look at ({suspects.length})</h2>
        <p>
          Exemplars of which hardly any of the ten nearest others has their label, while most agree on another one; each beside its nearest.
          The label may be wrong. A rare view of the right place looks like this too: look before you change anything.
        </p>
        {suspectRows.map(({ suspect, pictures }) => (
          <>
            <h3>{suspectText(suspect)}</h3>
            <ContactSheet pictures={pictures} sidePx={120} />
          </>
        ))}
        {suspects.length > shownSuspects.length ? <p>… and {suspects.length - shownSuspects.length} more.</p> : null}
        {suspects.length === 0 ? <p>None found.</p> : null}
      </section>
      <section>
        <h2>The same picture under different labels ({contradictions.length})</h2>
        {contradictionRows.map(({ contradiction, pictures }) => (
          <>
            <h3>{contradictionText(contradiction)}</h3>
            <ContactSheet pictures={pictures} sidePx={120} />
          </>
        ))}
        {contradictions.length === 0 ? <p>None found.</p> : null}
      </section>
    </>,
  );
}

function suspectText({ label, likelier, share, neighbours }: Suspect): string {
  return `${classInfo(label).name} – or ${classInfo(likelier).name}? (${Math.round(share * neighbours.length)} of ${neighbours.length} neighbours)`;
}

function contradictionText({ labels }: Contradiction): string {
  return labels.map((label) => classInfo(label).name).join(' / ');
}

function ClassTable({ classes, fitted }: Pick<GalleryDiagnosis, 'classes' | 'fitted'>) {
  const number = (value: number | null): string => (value === null ? '–' : value.toFixed(3));
  return (
    <section>
      <h2>Classes</h2>
      <p>
        Cohesion is the mean similarity of an exemplar to the nearest other one of its class; agreement is how often the nearest of all
        exemplars is of that class, or of one that it is a part of. Near-duplicates of an exemplar are not asked.
        {fitted ? ' Both are better than for pictures to come, because the model was fitted to these labels.' : ''}
      </p>
      <Table
        columns={[
          'Class',
          { title: 'Exemplars', align: 'number' },
          { title: 'Cohesion', align: 'number' },
          { title: 'Agreement', align: 'number' },
          'Nearest rival',
        ]}
        rows={classes.map(({ label, exemplars, cohesion, agreement, rival }) => [
          classInfo(label).name,
          exemplars,
          number(cohesion),
          number(agreement),
          rival === null ? '–' : `${classInfo(rival.label).name} (${(100 * rival.share).toFixed(0)} %)`,
        ])}
      />
    </section>
  );
}

function Map({ gallery, map, suspects }: { gallery: Gallery; map: readonly MapPoint[]; suspects: readonly Suspect[] }) {
  const series = gallery.labels;
  const suspicious = new Set(suspects.map(({ exemplar }) => exemplar));
  const missing = gallery.exemplars.length - map.length;
  return (
    <section>
      <h2>Map</h2>
      <Figure
        caption={`Near exemplars lie near each other (UMAP, cosine distance); the axes and large distances mean nothing. Ringed: labels to look at.${
          missing > 0 ? ` ${missing} exemplars were left out at random.` : ''
        }`}
      >
        <ScatterPlot
          title={`Map of ${map.length} exemplars`}
          series={series.map((label) => classInfo(label).name)}
          points={map.map(({ exemplar, x, y }) => {
            const { label = '', path = '' } = gallery.exemplars[exemplar] ?? {};
            return {
              x,
              y,
              series: series.indexOf(label),
              label: `${classInfo(label).name}: ${path}`,
              marked: suspicious.has(exemplar),
            };
          })}
          width={960}
          height={720}
        />
      </Figure>
    </section>
  );
}

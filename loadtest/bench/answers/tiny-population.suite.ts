import type { Population } from './population.ts';

const readersPerSchool = 5;

/** Two schools with a shift each, of different zones, two classes and twelve pupils a class. */
export function tinyPopulation(): Population {
  const schools = [1, 2].map((school_id) => ({
    school_id,
    district_id: 1,
    tz: school_id === 1 ? 'Europe/Moscow' : 'Asia/Yekaterinburg',
  }));
  const classes = schools.flatMap(({ school_id }) =>
    [1, 2].map((place) => ({ class_id: school_id * 10 + place, school_id, name: `${place}А`, shift: school_id })),
  );
  const readers = schools.flatMap(({ school_id }) =>
    [6, 6, 24, 96, 128].map((kinds_mask, place) => ({
      reader_id: school_id * readersPerSchool + place,
      school_id,
      place: 'here',
      kinds_mask,
    })),
  );
  const pupils = classes.flatMap(({ class_id, shift }, classPlace) =>
    Array.from({ length: 12 }, (_, seat) => ({
      place: classPlace * 12 + seat,
      pupil_id: 1_000 + classPlace * 12 + seat,
      class_id,
      shift,
      entitled: seat % 3 === 0,
      uid: (0x04_00_00_00 + classPlace * 12 + seat).toString(16).padStart(8, '0'),
      doors_minute: shift === 1 ? 420 : 720,
      bell_minute: shift === 1 ? 510 : 810,
      end_minute: shift === 1 ? 840 : 1_110,
    })),
  );
  return { schools, classes, readers, pupils };
}

import type { Random } from './random.ts';

/** Made-up names, by combination; whoever bears one does so by chance. */
const stems =
  'Соболь Ветер Луг Бор Клён Дрозд Речн Холм Яблон Ковыль Зорь Стриж Камен Верб Сокол Лебедь Снег Туман Рос Гром';
const endings = ['ов', 'ёв', 'ин', 'овских', 'нов', 'ницын'];
const female = 'Анна Мария Дарья Вера Ольга Ирина Полина Софья Елена Алина Ксения Нина Таисия Варвара';
const male = 'Иван Пётр Егор Артём Максим Илья Денис Лев Тимур Матвей Роман Глеб Арсений Фёдор';
const districts = 'Заречный Северный Приозёрный Лесной Степной Луговой Горный Речной Светлый Садовый';

const surnameStems = stems.split(' ').map((stem) => stem.replace(/[ьй]$/, ''));
const femaleNames = female.split(' ');
const maleNames = male.split(' ');
const districtNames = districts.split(' ');

export function pupilName(random: Random): { lastName: string; firstName: string } {
  const surname = random.pick(surnameStems) + random.pick(endings);
  if (random.chance(0.5)) return { lastName: surname, firstName: random.pick(maleNames) };
  return { lastName: surname.endsWith('их') ? surname : `${surname}а`, firstName: random.pick(femaleNames) };
}

/** `place` counts from 0. */
export function districtName(place: number): string {
  const round = Math.floor(place / districtNames.length);
  return `${districtNames[place % districtNames.length]} район${round === 0 ? '' : ` № ${round + 1}`}`;
}

export function className(grade: number, place: number): string {
  const letters = 'АБВГДЕЖЗИКЛМНОПРСТУФ';
  return `${grade}${letters[place % letters.length]}${place < letters.length ? '' : Math.floor(place / letters.length) + 1}`;
}

/** What is in everybody's calendar at the stand-in: the same every day, so that there is always something next. */
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

const EVERY_DAY = [
  { subject: 'Coffee with Charles', hour: 9, location: 'Kitchen' },
  { subject: 'Analytical Engine: review', hour: 13, location: 'Room 2' },
  { subject: 'Correspondence', hour: 16, location: '' },
];

/** The events that begin between two times (milliseconds since 1970), as Graph writes them, in UTC. */
export function eventsBetween(start: number, end: number) {
  const events = [];
  for (let day = Math.floor(start / DAY_MS) * DAY_MS; day < end; day += DAY_MS) {
    for (const { subject, hour, location } of EVERY_DAY) {
      const at = day + hour * HOUR_MS;
      if (at < start || at >= end) continue;
      const moment = (time: number) => ({
        dateTime: `${new Date(time).toISOString().slice(0, 19)}.0000000`,
        timeZone: 'UTC',
      });
      events.push({
        subject,
        start: moment(at),
        end: moment(at + HOUR_MS),
        location: { displayName: location },
        webLink: `https://outlook.office365.com/calendar/item/${at}`,
      });
    }
  }
  return events;
}

/** Icons, drawn on a grid of 24 in the colour of the text. Decoration: what they mean is said in words beside them. */
type IconProps = { size?: number };

/** `d`: the path. */
function icon(d: string) {
  return ({ size = 18 }: IconProps) => (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      <path d={d} />
    </svg>
  );
}

export const AlertIcon = icon('M12 7.5v5.2M12 16.4v.1M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z');
export const InfoIcon = icon('M12 16.5v-5.2M12 7.6v-.1M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18Z');
export const CheckIcon = icon('m5 12.5 4.6 4.6L19 7.5');
export const CloseIcon = icon('M6 6l12 12M18 6 6 18');
export const PlusIcon = icon('M12 5v14M5 12h14');
export const SearchIcon = icon('M11 4.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13ZM16 16l4 4');
export const EyeIcon = icon(
  'M2.8 12S6 5.8 12 5.8 21.2 12 21.2 12 18 18.2 12 18.2 2.8 12 2.8 12ZM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6Z',
);
export const EyeOffIcon = icon(
  'M4 4l16 16M9.9 6.1A9 9 0 0 1 12 5.8c6 0 9.2 6.2 9.2 6.2a16 16 0 0 1-2.6 3.3M6.2 7.8A15.5 15.5 0 0 0 2.8 12S6 18.2 12 18.2a9 9 0 0 0 4.1-1M10.2 10.2a2.8 2.8 0 0 0 3.8 3.8',
);
export const HashIcon = icon('M9.5 4 7.5 20M16.5 4l-2 16M4.5 9h16M3.5 15h16');
export const TerminalIcon = icon('m5 7 5 5-5 5M12.5 17.5H19');
export const RefreshIcon = icon('M19.5 12a7.5 7.5 0 1 1-2.2-5.3L20 9.4M20 4.5v4.9h-4.9');
export const UsersIcon = icon(
  'M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.8 19.5c.4-3.3 3-5 6.2-5s5.8 1.7 6.2 5M15.5 4.8a3.5 3.5 0 0 1 0 6.5M17.5 14.9c2 .6 3.4 2.1 3.7 4.6',
);
export const JoinIcon = icon(
  'M13.5 4.5H18a1.5 1.5 0 0 1 1.5 1.5v12a1.5 1.5 0 0 1-1.5 1.5h-4.5M4 12h10.5M10.5 8l4 4-4 4',
);
export const LeaveIcon = icon('M10.5 4.5H6A1.5 1.5 0 0 0 4.5 6v12A1.5 1.5 0 0 0 6 19.5h4.5M9.5 12H20M16 8l4 4-4 4');
export const SendIcon = icon('M4.5 12h7M4.2 4.8 20.5 12 4.2 19.2 6.5 12 4.2 4.8Z');
export const ArrowLeftIcon = icon('M19.5 12h-15M11 5.5 4.5 12l6.5 6.5');
export const ArrowDownIcon = icon('M12 4.5v15M5.5 13l6.5 6.5 6.5-6.5');
export const ChevronRightIcon = icon('m9.5 6.5 5.5 5.5-5.5 5.5');
export const TrashIcon = icon('M4.5 7h15M9.5 7V4.5h5V7M6.5 7l.8 12.5h9.4L17.5 7M10.2 10.5v5.5M13.8 10.5v5.5');
export const EditIcon = icon('M14.5 6.5l3 3M4.5 19.5l.9-4L16 5l3 3L8.5 18.6l-4 .9Z');
export const ClockIcon = icon('M12 7.5V12l3 2M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17Z');
export const BellIcon = icon(
  'M6.5 16.5V11a5.5 5.5 0 0 1 11 0v5.5l1.5 1.2H5l1.5-1.2ZM10 20.2c.5.5 1.2.8 2 .8s1.5-.3 2-.8',
);
export const ShieldIcon = icon('M12 3.5 5 6v5.5c0 4.5 3 7.5 7 9 4-1.5 7-4.5 7-9V6l-7-2.5Z');
export const LogOutIcon = LeaveIcon;
export const SunIcon = icon(
  'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
);
export const MoonIcon = icon('M19.5 14.5A8 8 0 0 1 9.5 4.5a8 8 0 1 0 10 10Z');
export const MonitorIcon = icon('M4.5 4.5h15v11h-15v-11ZM9 19.5h6M12 15.5v4');
export const AtIcon = icon(
  'M12 8.5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7ZM15.5 8.5v4.7c0 3.3 5 2.8 5-1.2a8.5 8.5 0 1 0-3.4 6.8',
);
export const ChatIcon = icon(
  'M7 4.5h10A3.5 3.5 0 0 1 20.5 8v5a3.5 3.5 0 0 1-3.5 3.5h-4.5L8 20v-3.5H7A3.5 3.5 0 0 1 3.5 13V8A3.5 3.5 0 0 1 7 4.5Z',
);
export const MenuIcon = icon('M4 7h16M4 12h16M4 17h16');
export const PulseIcon = icon('M3 12h4l3-7.5 4.5 15L17.5 12H21');
export const ScrollIcon = icon('M6 4h12v16l-2.4-1.6L13.2 20l-2.4-1.6L8.4 20 6 18.4V4ZM9.5 8.5h5M9.5 12.5h5');
